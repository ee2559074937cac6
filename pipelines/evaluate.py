# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables of tasks x modes x classical peers on a clip: PSNR, flicker, milliseconds per frame.

Every restoration is a gst-launch pipeline over raw video. PSNR is the mean over frames; flicker the RMS of the change of the
error from frame to frame in 8-bit units; ms the element's own mean time per frame. Peers get the same degraded frames.
Run through pipelines/evaluate, which installs what this needs.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np

import evaluate_peers as peers

RATE = "25/1"


def launch(*words):
    done = subprocess.run(["gst-launch-1.0", "-m", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"evaluate: {' '.join(map(str, words))}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def read_clip(path, first, count, crop):
    """uint8 [T,H,W,3]; crop is WIDTHxHEIGHT+LEFT+TOP."""
    width, height, left, top = map(int, re.split(r"[x+]", crop))
    command = ["ffmpeg", "-v", "error", "-i", path, "-vf", f"select=gte(n\\,{first}),crop={width}:{height}:{left}:{top}",
               "-vsync", "0", "-frames:v", str(count), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.uint8)
    return data.reshape(-1, height, width, 3)


def through(frames, scale, *element):
    """Raw frames through one element: (frames, output of gst-launch)."""
    count, height, width, channels = frames.shape
    out_height, out_width = int(height * scale), int(width * scale)
    with tempfile.TemporaryDirectory() as folder:
        frames.tofile(f"{folder}/in")
        text = launch("filesrc", f"location={folder}/in", f"blocksize={height * width * channels}", "!", "rawvideoparse",
                      f"format={'rgba' if channels == 4 else 'rgb'}", f"width={width}", f"height={height}", f"framerate={RATE}",
                      "!", *element, "!", "filesink", f"location={folder}/out")
        data = np.fromfile(f"{folder}/out", np.uint8)
    return data.reshape(count, out_height, out_width, channels)[..., :3], text


def restore(frames, scale, properties):
    words = [f"{name}={value}" for name, value in properties.items()]
    out, text = through(frames, scale, "reddiff", "post-messages=true", *words)
    times = [float(t) for t in re.findall(r"mean-ms=\(double\)([0-9.e+]+)", text)]
    return out, times[-1]


def holes(kind, shape, seed):
    """[T,H,W], True where a pixel is missing."""
    count, height, width = shape
    if kind == "half":
        return np.random.default_rng(seed).random(shape) < 0.5
    missing = np.zeros((height, width), bool)
    top, left = height * 5 // 8, width // 8
    for i in range(4):  # four rings, as a broadcaster's logo
        y, x = np.mgrid[:height, :width]
        r = np.hypot(y - top - height // 10, x - left - (2 * i + 1) * width // 10)
        missing |= (r < height / 11) & (r > height / 18)
    return np.broadcast_to(missing, shape)


def with_alpha(frames, missing):
    colour = np.where(missing[..., None], np.uint8(128), frames)
    alpha = np.where(missing, np.uint8(0), np.uint8(255))[..., None]
    return np.concatenate([colour, alpha], 3)


def figures(frames, truth, where=None):
    error = frames.astype(np.float32) - truth
    if where is None:
        power = np.mean(error**2, (1, 2, 3))
        flicker = np.sqrt(np.mean(np.diff(error, axis=0) ** 2)) if len(frames) > 1 else 0.0
    else:
        power = np.array([np.mean(e[w] ** 2) for e, w in zip(error, where)])
        both = where[1:] & where[:-1]
        flicker = np.sqrt(np.mean(np.diff(error, axis=0)[both] ** 2))
    return float(np.mean(10 * np.log10(255.0**2 / np.maximum(power, 1e-6)))), float(flicker)


class Case:
    """One degradation: how it is made, how it is undone, who else undoes it."""

    def __init__(self, name, operator, noise, properties, rivals, missing=None, equal_steps=(4,)):
        self.name, self.operator, self.noise = name, operator, noise
        self.properties, self.rivals, self.missing, self.equal_steps = properties, rivals, missing, equal_steps
        self.scale = int(m.group(1)) if (m := re.search(r"factor=(\d)", operator)) else 1

    def degrade(self, truth, seed):
        frames, _ = through(truth, 1 / self.scale, "reddiffdegrade", f"operator={self.operator}", f"noise={self.noise}", f"seed={seed}")
        if self.missing is None:
            return frames, None
        missing = holes(self.missing, truth.shape[:3], seed)
        return with_alpha(frames, missing), missing


def cases():
    return [
        Case("denoise 25", "identity", 25, {"task": "denoise", "noise": 25}, ["wiener", "dctdnoiz", "bm3d"], equal_steps=(1, 2, 4, 8)),
        Case("super-resolution x2", "bicubic:factor=2", 0, {"task": "super-resolution", "scale": 2}, ["bicubic", "lanczos"], equal_steps=(1, 3, 6)),
        Case("super-resolution x4", "bicubic:factor=4", 0, {"task": "super-resolution", "scale": 4}, ["bicubic", "lanczos"], equal_steps=(1, 3, 6)),
        Case("inpaint logo", "identity", 0, {"task": "inpaint"}, ["telea", "navier-stokes"], missing="logo", equal_steps=(1, 3, 6)),
        Case("inpaint half", "identity", 0, {"task": "inpaint"}, ["telea", "navier-stokes"], missing="half", equal_steps=(1, 3, 6)),
        Case("deblur 1.6 + noise 2", "gaussian-blur:sigma=1.6", 2, {"operator": "gaussian-blur:sigma=1.6", "noise": 2}, ["wiener"], equal_steps=(1, 3, 6)),
    ]


def row(name, figure, milliseconds):
    time_text = f"{milliseconds:8.0f}" if milliseconds is not None else "       -"
    print(f"| {name:34s} | {figure[0]:6.2f} | {figure[1]:6.2f} | {time_text} |", flush=True)


def evaluate(case, truth, args):
    degraded, missing = case.degrade(truth, args.seed)
    unit = "PSNR of the missing pixels" if missing is not None else "PSNR"
    print(f"\n| {case.name} | {unit} | flicker | ms |\n|---|---|---|---|")
    if case.scale == 1 and missing is None:
        row("input", figures(degraded, truth), None)
    for rival in case.rivals:
        if rival in args.without:
            continue
        start = time.time()
        out = peers.PEERS[rival](degraded[..., :3], missing, case)
        row(rival, figures(out, truth, missing), 1000 * (time.time() - start) / len(truth))
    for steps in args.steps or case.equal_steps:
        for mode in args.modes:
            if mode == "filter" and not case.name.startswith("denoise"):
                continue  # is the warm start
            properties = {**case.properties, "temporal": mode, "steps": steps, **args.properties}
            out, milliseconds = restore(degraded, case.scale, properties)
            row(f"reddiff steps={steps} temporal={mode}", figures(out, truth, missing), milliseconds)
            if args.keep:
                os.makedirs(args.keep, exist_ok=True)
                out.tofile(f"{args.keep}/{case.name}-{mode}-{steps}.rgb".replace(" ", "_"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", default=os.environ.get("REDDIFF_CLIP"), help="default: the clip of pipelines/demo, once that has run")
    parser.add_argument("--crop", default="480x256+80+8", help="WIDTHxHEIGHT+LEFT+TOP")
    parser.add_argument("--first", type=int, default=155)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--tasks", default="", help="only cases whose name contains one of these words, comma-separated")
    parser.add_argument("--modes", default="none,warm-start,filter", type=lambda s: s.split(","))
    parser.add_argument("--steps", default=None, type=lambda s: [int(n) for n in s.split(",")])
    parser.add_argument("--without", default=[], type=lambda s: s.split(","), help="peers to leave out")
    parser.add_argument("--keep", help="folder for the restored frames (raw RGB)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", dest="properties", default=[], action="append", metavar="PROPERTY=VALUE", help="of the element, for every run")
    args = parser.parse_args()
    args.properties = dict(p.split("=", 1) for p in args.properties)
    if not args.clip or not os.path.exists(args.clip):
        parser.error("no clip: name one, or run pipelines/demo first, which fetches bikes.mp4")
    truth = read_clip(args.clip, args.first, args.frames, args.crop)
    print(f"{os.path.basename(args.clip)}: {len(truth)} frames from {args.first}, {args.crop}")
    for case in cases():
        if not args.tasks or any(word in case.name for word in args.tasks.split(",")):
            evaluate(case, truth, args)


if __name__ == "__main__":
    main()
