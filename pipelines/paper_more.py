# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rest of the paper's figures: RED-Diff's weightings, orders, learning rate against lambda; the same solvers on video; phase retrieval."""
import json
import os
import subprocess

import numpy as np

import evaluate
import evaluate_measures as measures
import paper_tasks as tasks

WEIGHTINGS = ("linear", "sqrt", "square", "log", "trunc-linear", "power-2/3", "const")
ORDERS = ("descending", "random", "ascending")
RATES, LAMBDAS = (0.05, 0.1, 0.25, 0.5), (0.05, 0.25, 1, 4)
MAPPED = ("pool x4", "half")
FILMED = ("pool x4", "blur, noise")
STEPS = 50


def red_diff():
    return next(s for s in tasks.SOLVERS if s.name == "red-diff")


def maps(measurement, results, settings, asked):
    """Lines of Markdown. Weightings and orders with the settings that were found for `linear`, descending."""
    lines = []
    for task in (t for t in asked if t.name in MAPPED):
        psnr = lambda **more: np.mean(measurement.measured(results, task, {**red_diff().properties, **settings[task.name]["red-diff"], "steps": STEPS, **more})["psnr"])
        lines += [f"### RED-Diff on {task.name}: weightings, orders, learning rate and lambda", "", f"{STEPS} steps, dB.", "",
                  "| weighting | " + " | ".join(WEIGHTINGS) + " |", "|---|" + "---|" * len(WEIGHTINGS),
                  "| dB | " + " | ".join(f"{psnr(weighting=w):.2f}" for w in WEIGHTINGS) + " |", "",
                  "| order | " + " | ".join(ORDERS) + " |", "|---|" + "---|" * len(ORDERS), "| dB | " + " | ".join(f"{psnr(order=o):.2f}" for o in ORDERS) + " |", "",
                  "| learning rate \\ lambda | " + " | ".join(map(str, LAMBDAS)) + " |", "|---|" + "---|" * len(LAMBDAS)]
        for rate in RATES:
            lines.append(f"| {rate} | " + " | ".join(f"{psnr(**{'learning-rate': rate, 'prior-weight': weight}):.2f}" for weight in LAMBDAS) + " |")
        lines.append("")
    return lines


def on_video(clips, prior, settings, asked):
    """Lines of Markdown: every solver frame by frame at the steps its settings were searched at, and hqs with the filter along time."""
    lines = []
    for text in clips:
        path, first, crop = (text.split(":") + ["0", "176x144+0+0"])[:3]
        truth = evaluate.read_clip(path, int(first), 12, crop)
        for task in (t for t in asked if t.name in FILMED):
            degraded = task.degrade(truth)
            rows = [(s, {"temporal": "none"}) for s in tasks.SOLVERS] + [(tasks.SOLVERS[0], {"temporal": "filter"})]
            lines += [f"### {task.name}, {path.split('/')[-1]}, {len(truth)} frames of {crop}", "", "| solver | steps | PSNR, dB | last frame | flicker |", "|---|---|---|---|---|"]
            for solver, more in rows:
                properties = {**task.properties, **solver.properties, **settings[task.name][solver.name], "steps": solver.searched_at, "prior": prior, **more}
                if more["temporal"] == "filter":  # the filter's own levels
                    properties.pop("start-level", None)
                out, _, _ = evaluate.restore(degraded, task.scale, properties)
                psnr = measures.psnr(out, truth)
                name = solver.name + (", filter" if more["temporal"] == "filter" else "")
                lines.append(f"| {name} | {solver.searched_at} | {psnr.mean():.2f} | {psnr[-1]:.2f} | {measures.flicker(out, truth):.2f} |")
            lines.append("")
    return lines


def phase(python, prior, pictures):
    """Lines of Markdown, by paper_phase.py and a Python that has PyTorch."""
    here = os.path.dirname(os.path.abspath(__file__))
    command = [python, os.path.join(here, "paper_phase.py"), os.path.join(here, "..", "models", f"{prior}.safetensors"), *map(str, pictures.shape[2:0:-1])]
    done = subprocess.run(command, input=pictures.tobytes(), capture_output=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    lines = ["### Phase retrieval, offline", "", "Magnitudes of the spectrum of the picture on black, twice its size; hio: 300 rounds and 50 of error reduction, the better of two starts;",
             "red-diff: 100 steps, learning rate .5, lambda .25. dB, of each picture.", "", "| | " + " | ".join(str(i + 1) for i in range(len(rows))) + " |",
             "|---|" + "---|" * len(rows)]
    for name in rows[0]:
        lines.append(f"| {name} | " + " | ".join(f"{row[name]:.1f}" for row in rows) + " |")
    return [*lines, ""]
