# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured and by whom it is undone: the tasks of pipelines/paper, its pictures, and each solver's grid of settings."""
import glob
import os

import cv2
import numpy as np
import skimage

import evaluate

NOISY = 12.75  # .05 of the whole range, as the literature has it, in code values
CORE = 127.5  # code values in a unit of the literature's [-1,1]

REPORTED = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
SEARCHED = ("motorcycle_left.png", "hubble_deep_field.jpg")


def holes(kind, count, size):
    """[count,size,size], True where a pixel is missing; every picture has its own."""
    missing = np.zeros((count, size, size), bool)
    for i, hole in enumerate(missing):
        draw = np.random.default_rng(i)
        if kind == "half":
            hole[:] = draw.random(hole.shape) < 0.5
        elif kind == "box":
            side = size * 3 // 8
            top, left = draw.integers(size // 8, size - side - size // 8, 2)
            hole[top:top + side, left:left + side] = True
        else:  # strokes of a brush
            canvas = np.zeros(hole.shape, np.uint8)
            for _ in range(6):
                points = draw.integers(0, size, (4, 2)).astype(np.int32)
                cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, 1, max(3, size // 24))
            hole[:] = canvas > 0
    return missing


class Task:
    def __init__(self, name, operator, noise=0, missing=None, properties=None, linear=True):
        self.name, self.operator, self.noise, self.missing, self.linear = name, operator, noise, missing, linear
        self.scale = int(operator.split("factor=")[1][0]) if "factor=" in operator else 1
        self.properties = {"operator": operator, "noise": noise, **(properties or {})}

    @property
    def kind(self):
        """As core/api/presets.h has it."""
        if self.missing:
            return "fill"
        return "reduce" if self.scale > 1 else "blur"

    def degrade(self, truth):
        frames, _ = evaluate.through(truth, 1 / self.scale, "reddiffdegrade", f"operator={self.operator}", f"noise={self.noise}", "seed=1")
        if self.missing:
            frames = evaluate.with_alpha(frames, holes(self.missing, len(truth), truth.shape[1]))
        return frames


FILL = {"task": "inpaint"}
TASKS = [
    Task("pool x4", "average-pool:factor=4"),
    Task("pool x4, noise", "average-pool:factor=4", NOISY),
    Task("bicubic x4", "bicubic:factor=4"),
    Task("half", "identity", 0, "half", FILL),
    Task("strokes", "identity", 0, "strokes", FILL),
    Task("box", "identity", 0, "box", FILL),
    Task("box, noise", "identity", NOISY, "box", FILL),
    Task("blur", "gaussian-blur:sigma=1.6"),
    Task("blur, noise", "gaussian-blur:sigma=1.6", NOISY),
    Task("HDR", "hdr:gain=2", linear=False),
    Task("JPEG 20", "jpeg:quality=20", linear=False),
    Task("2 bits", "quantise:bits=2", linear=False),
    Task("3 bits", "quantise:bits=3", linear=False),
]


def product(**values):
    rows = [{}]
    for name, choices in values.items():
        rows = [{**row, name.replace("_", "-"): choice} for row in rows for choice in choices]
    return rows


def start(*levels):
    return [round(level * CORE, 2) for level in levels]


class Solver:
    """steps: of the comparison; searched_at: the number of steps at which the six settings of its grid are compared."""

    def __init__(self, name, steps, searched_at, grid, linear_only=False, properties=None):
        self.name, self.steps, self.searched_at, self.grid, self.linear_only = name, steps, searched_at, grid, linear_only
        self.properties = {"solver": name, **(properties or {})}

    def serves(self, task):
        return task.linear or not self.linear_only


ADAM = {"optimizer": "adam", "optimizer-epsilon": 0}
SOLVERS = [
    Solver("hqs", (2, 4, 8, 16), 8, product(start_level=start(0.1, 0.3, 0.5, 1, 2, 4))),
    Solver("red-diff", (20, 50, 100), 50, product(learning_rate=(0.05, 0.1), prior_weight=(0.05, 0.25, 1)), properties={**ADAM, "start-level": start(5)[0]}),
    Solver("dps", (50, 100), 50, product(zeta=(2, 5, 10, 20, 40, 80)), properties={"start-level": start(5)[0]}),
    Solver("pigdm", (10, 20, 50), 20, product(eta=(0, 1), start_level=start(1, 2, 5))),
    Solver("ddrm", (10, 20, 50), 20, product(eta=(0.85, 1), start_level=start(1, 2, 5)), linear_only=True),
    Solver("diffpir", (10, 20, 50), 20, product(zeta=(0.3, 1), start_level=start(1, 2, 5))),
]


def prepared(picture, size):
    """Reduced by two, so that no coder's blocks are left, and its middle."""
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    top, left = (half.shape[0] - size) // 2, (half.shape[1] - size) // 2
    return half[top:top + size, left:left + size]


def pictures(size, searched, folder=None):
    """uint8 [N,size,size,3]. searched: those that settings are chosen on, else those that are reported; folder: one's own to report."""
    if folder and not searched:
        paths = [p for p in sorted(glob.glob(os.path.join(folder, "*"))) if p.lower().endswith((".png", ".jpg", ".jpeg", ".bmp", ".tif"))]
    else:
        data = os.path.join(os.path.dirname(skimage.__file__), "data")
        paths = [os.path.join(data, name) for name in (SEARCHED if searched else REPORTED)]
    read = [cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB) for path in paths]
    fit = [prepared(p, size) for p in read if min(p.shape[:2]) >= 2 * size]
    if not fit:
        raise SystemExit(f"paper: no picture of at least {2 * size} pixels a side in {folder}")
    return np.stack(fit)
