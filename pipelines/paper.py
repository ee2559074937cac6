# SPDX-License-Identifier: LGPL-2.1-or-later
"""RED-Diff and its rivals on one prior: tasks x solvers x steps.

Three things in order, each skipped where its results are there: `search` chooses each solver's settings for each task, from six each, on pictures that
are not reported; `run` restores the reported pictures at every number of steps and every seed; `page` draws and writes what came out. Results
are lines of JSON in --out; delete a line, or the file, to measure again. Everything runs through the element (temporal=none, a picture a
frame).
"""
import argparse
import json
import os
import re
import sys
import time

import numpy as np

import evaluate
import evaluate_measures as measures
import paper_more
import paper_page
import paper_tasks as tasks

HERE = os.path.dirname(os.path.abspath(__file__))
SETTINGS = os.path.join(HERE, "paper_settings.json")


class Results:
    """Lines of JSON, found again by what was asked."""

    def __init__(self, path):
        self.path, self.rows = path, {}
        if os.path.exists(path):
            for line in open(path):
                row = json.loads(line)
                self.rows[self.key(row["asked"])] = row

    @staticmethod
    def key(asked):
        return json.dumps(asked, sort_keys=True)

    def get(self, asked, measure):
        key = self.key(asked)
        if key not in self.rows:
            self.rows[key] = {"asked": asked, **measure()}
            with open(self.path, "a") as file:
                file.write(json.dumps(self.rows[key]) + "\n")
        return self.rows[key]


def restored(task, degraded, properties):
    """Frames, and the mean milliseconds of one."""
    words = [f"{name}={value}" for name, value in {**task.properties, "temporal": "none", **properties}.items()]
    out, text = evaluate.through(degraded, task.scale, "reddiff", "post-messages=true", *words)
    means = [float(m) for m in re.findall(r"mean-ms=\(double\)([0-9.e+]+)", text)]  # of one frame, two, three...
    milliseconds = (len(means) * means[-1] - means[0]) / (len(means) - 1) if len(means) > 1 else means[-1]
    return out, milliseconds  # without the first, which makes what the others use


TIMED_STEPS = 8


def milliseconds_of_a_step(args, reported, settings):
    """{task: {solver: ms}}, one after the other in one go and never remembered: times of different hours do not compare."""
    found = {}
    for task in chosen_tasks(args):
        degraded = reported.of(task)[:3]
        for solver in (s for s in tasks.SOLVERS if s.serves(task)):
            _, ms = restored(task, degraded, {"prior": args.prior, **solver.properties, **settings[task.name][solver.name], "steps": TIMED_STEPS})
            found.setdefault(task.name, {})[solver.name] = ms / TIMED_STEPS
    return found


class Measurement:
    """A set of pictures and what each task makes of them."""

    def __init__(self, args, searched):
        self.truth = tasks.pictures(args.size, searched, args.pictures)
        self.which = "searched" if searched else (args.pictures or "reported")
        self.size, self.prior, self.degraded = args.size, args.prior, {}

    def of(self, task):
        """What the task makes of the pictures."""
        if task.name not in self.degraded:
            self.degraded[task.name] = task.degrade(self.truth)
        return self.degraded[task.name]

    def measured(self, results, task, properties):
        asked = {"pictures": self.which, "count": len(self.truth), "size": self.size, "prior": self.prior, "task": task.name, **properties}

        def measure():
            out, _ = restored(task, self.of(task), {"prior": self.prior, **properties})
            return {"psnr": [round(float(p), 3) for p in measures.psnr(out, self.truth)], "ssim": round(measures.ssim(out, self.truth), 4)}

        return results.get(asked, measure)


class Progress:
    def __init__(self, total):
        self.total, self.done, self.start = total, 0, time.time()

    def step(self, text):
        self.done += 1
        left = (time.time() - self.start) / self.done * (self.total - self.done)
        print(f"[{self.done}/{self.total}, {left / 60:.0f} min left] {text}", file=sys.stderr, flush=True)


def chosen_tasks(args):
    known = [t.name for t in tasks.TASKS]
    wrong = [w for w in args.tasks if w not in known]
    if wrong:
        sys.exit(f"paper: no task {', '.join(wrong)}; there are: {'; '.join(known)}")
    return [t for t in tasks.TASKS if not args.tasks or t.name in args.tasks]


def search(args, results):
    """The best of six settings for each task and solver, by mean PSNR at one number of steps."""
    settings = json.load(open(SETTINGS)) if os.path.exists(SETTINGS) else {}
    measurement = Measurement(args, True)
    jobs = [(t, s) for t in chosen_tasks(args) for s in tasks.SOLVERS if s.serves(t) and (args.again or s.name not in settings.get(t.name, {}))]
    progress = Progress(len(jobs))
    for task, solver in jobs:
        scores = []
        for option in solver.grid:
            row = measurement.measured(results, task, {**solver.properties, **option, "steps": solver.searched_at})
            scores.append((float(np.mean(row["psnr"])), option))
        best, option = max(scores, key=lambda s: s[0])
        settings.setdefault(task.name, {})[solver.name] = option
        progress.step(f"{task.name}: {solver.name} {option} {best:.2f} dB (worst of six {min(s[0] for s in scores):.2f})")
        with open(SETTINGS, "w") as file:
            json.dump(settings, file, indent=1, sort_keys=True)
            file.write("\n")
    return settings


def run(args, reported, results, settings):
    """{task: {solver: {steps: row}}}, rows with the mean over pictures and seeds."""
    jobs = [(t, s, n, seed) for t in chosen_tasks(args) for s in tasks.SOLVERS if s.serves(t) for n in s.steps for seed in range(args.seeds)]
    progress = Progress(len(jobs))
    table = {}
    for task, solver, steps, seed in jobs:
        option = settings[task.name][solver.name]
        row = reported.measured(results, task, {**solver.properties, **option, "steps": steps, "seed": seed})
        table.setdefault(task.name, {}).setdefault(solver.name, {}).setdefault(steps, []).append(row)
        progress.step(f"{task.name}: {solver.name} {steps} steps {np.mean(row['psnr']):.2f} dB")
    step = milliseconds_of_a_step(args, reported, settings)
    return {t: {s: {n: paper_page.mean_row(rows, n * step[t][s]) for n, rows in by_steps.items()} for s, by_steps in by_solver.items()} for t, by_solver in table.items()}


def inputs(args, reported):
    """What each task starts from, PSNR; plainly enlarged, holes grey."""
    found = {}
    for task in chosen_tasks(args):
        out, _ = evaluate.through(reported.of(task), task.scale, "reddiff", "strength=0", *[f"{k}={v}" for k, v in task.properties.items()])
        found[task.name] = float(np.mean(measures.psnr(out, reported.truth)))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="paper-out", help="folder of results, plots and page")
    parser.add_argument("--size", type=int, default=128, help="pixels a side of every picture")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--prior", default="default")
    parser.add_argument("--tasks", type=lambda s: s.split(";"), default=[], help="names separated by semicolons; all if not given")
    parser.add_argument("--pictures", help="folder of pictures to report, in place of scikit-image's")
    parser.add_argument("--maps", action="store_true", help="also RED-Diff's weightings, orders, learning rate against lambda")
    parser.add_argument("--video", nargs="*", default=[], metavar="PATH[:FIRST[:CROP]]", help="also these clips, frame by frame and with the filter")
    parser.add_argument("--phase", metavar="PYTHON", help="also phase retrieval, by a Python interpreter that has PyTorch")
    parser.add_argument("--again", action="store_true", help="choose settings again that are in paper_settings.json")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    results = Results(os.path.join(args.out, "results.jsonl"))
    settings = search(args, results)
    reported = Measurement(args, False)
    table = run(args, reported, results, settings)
    more = paper_more.maps(reported, results, settings, chosen_tasks(args)) if args.maps else []
    more += paper_more.on_video(args.video, args.prior, settings, chosen_tasks(args))
    more += paper_more.phase(args.phase, args.prior, reported.truth) if args.phase else []
    paper_page.write(args, table, inputs(args, reported), settings, more)


if __name__ == "__main__":
    main()
