# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables of tasks x modes x classical peers on clips.

Every restoration is a gst-launch pipeline over raw video, without and with the past; all with the same number of calls of the prior per
frame (`steps`). Columns: PSNR in dB, mean over frames, over all but the first eight, and of the last one (of the missing pixels where
pixels are missing; `seen`: of those whose content an earlier frame has shown); SSIM; flicker, the RMS of the change of the error
from frame to frame, and warp error, the RMS difference to the previous frame moved along the true motion, both in 8-bit units; the
element's own mean milliseconds and the process's CPU seconds per frame. Peers get the same degraded frames.
Run through pipelines/evaluate, which installs what this needs.
"""
import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

import evaluate_codecs
import evaluate_damage
import evaluate_measures as measures
import evaluate_peers as peers
import evaluate_pictures as pictures

RATE = "25/1"


def launch(*words):
    done = subprocess.run(["gst-launch-1.0", "-m", *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"evaluate: {' '.join(map(str, words))}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def read_clip(path, first, count, crop, reduce):
    """uint8 [T,H,W,3]; crop is WIDTHxHEIGHT+LEFT+TOP, of which reduce x reduce pixels become one."""
    width, height, left, top = map(int, re.split(r"[x+]", crop))
    shrink = f",format=rgb24,scale={width // reduce}:{height // reduce}:flags=area" if reduce > 1 else ""
    command = ["ffmpeg", "-v", "error", "-i", path, "-vf", f"select=gte(n\\,{first}),crop={width}:{height}:{left}:{top}{shrink}",
               "-vsync", "0", "-frames:v", str(count), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.uint8)
    return data.reshape(-1, height // reduce, width // reduce, 3)


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
    """Restored frames, the element's mean milliseconds, CPU seconds per frame (the process's start is not counted)."""
    words = [f"{name}={value}" for name, value in properties.items()]
    cpu = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    before = cpu()
    through(frames[:1], scale, "reddiff", *words)
    one = cpu()
    out, text = through(frames, scale, "reddiff", "post-messages=true", *words)
    seconds = (cpu() - one - (one - before)) / max(1, len(frames) - 1)
    times = [float(t) for t in re.findall(r"mean-ms=\(double\)([0-9.e+]+)", text)]
    return out, times[-1], seconds


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
        missing = holes(self.missing, frames.shape[:3], seed)
        return with_alpha(frames, missing), missing.repeat(self.scale, 1).repeat(self.scale, 2)


def cases():
    return [
        Case("denoise 25", "identity", 25, {"task": "denoise", "noise": 25}, ["wiener", "dctdnoiz", "bm3d"], equal_steps=(1, 2, 4, 8)),
        Case("denoise 50", "identity", 50, {"task": "denoise", "noise": 50}, ["wiener", "bm3d"], equal_steps=(2,)),
        Case("super-resolution x2", "bicubic:factor=2", 0, {"task": "super-resolution", "scale": 2}, ["bicubic", "lanczos"], equal_steps=(1, 3, 6)),
        Case("super-resolution x4", "bicubic:factor=4", 0, {"task": "super-resolution", "scale": 4}, ["bicubic", "lanczos"], equal_steps=(1, 3, 6)),
        Case("super-resolution x2 + noise 10", "bicubic:factor=2", 10, {"task": "super-resolution", "scale": 2, "noise": 10}, ["bicubic", "lanczos"], equal_steps=(3,)),
        *(Case(f"super-resolution x2 without {kind}", "bicubic:factor=2", 0, {"task": "super-resolution", "scale": 2, "mask-source": "alpha"}, [],
               missing=kind, equal_steps=(3,)) for kind in ("logo", "half")),
        Case("inpaint logo", "identity", 0, {"task": "inpaint"}, ["telea", "navier-stokes"], missing="logo", equal_steps=(1, 3, 6)),
        Case("inpaint half", "identity", 0, {"task": "inpaint"}, ["telea", "navier-stokes"], missing="half", equal_steps=(1, 3, 6)),
        *(Case(name, operator, 0, {"operator": operator}, rivals, equal_steps=(1, 2, 4, 8)) for name, operator, rivals in (
            ("hdr 2", "hdr:gain=2", ["rescaled"]), ("quantise 3", "quantise:bits=3", []), ("quantise 4", "quantise:bits=4", []),
            *((f"jpeg {quality}", f"jpeg:quality={quality}", []) for quality in (10, 20, 40, 80, 95)))),
        Case("deblur 1.6 + noise 2", "gaussian-blur:sigma=1.6", 2, {"operator": "gaussian-blur:sigma=1.6", "noise": 2}, ["wiener"], equal_steps=(1, 3, 6)),
    ]


COLUMNS = ("psnr", "from 9th", "last", "seen", "ssim", "flicker", "warp error", "ms", "cpu s")


def mean_of(values):
    """Of what there is; NaN for nothing."""
    there = values[~np.isnan(values)]
    return there.mean() if there.size else np.nan


class Clip:
    """PATH[:FIRST[:CROP]], CROP as WIDTHxHEIGHT+LEFT+TOP."""

    def __init__(self, text, args):
        parts = text.split(":")
        first = int(parts[1]) if len(parts) > 1 else args.first
        crop = parts[2] if len(parts) > 2 else args.crop
        self.name = os.path.splitext(os.path.basename(parts[0]))[0]
        self.truth = read_clip(parts[0], first, args.frames, crop, args.reduce)
        self.motion = measures.Motion(self.truth)
        print(f"{self.name}: {len(self.truth)} frames from {first}, {crop}", flush=True)


class Table:
    """Rows of one case, printed as they come and kept for the means and the plots."""

    def __init__(self, case, clip, missing):
        self.case, self.clip, self.missing = case, clip, missing
        self.seen = None if missing is None else clip.motion.uncovered(missing)
        self.rows = {}
        unit = "" if missing is None else ", PSNR and flicker of the missing pixels"
        print(f"\n| {clip.name}: {case.name}{unit} | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}")

    def add(self, name, frames, milliseconds=None, seconds=None):
        truth = self.clip.truth
        over_time = measures.psnr(frames, truth, self.missing)
        seen = np.nan if self.seen is None else mean_of(measures.psnr(frames, truth, self.seen)[8:])
        values = np.array([over_time.mean(), mean_of(over_time[8:]), over_time[-1], seen, measures.ssim(frames, truth),
                           measures.flicker(frames, truth, self.missing), self.clip.motion.warp_error(frames), milliseconds, seconds], float)
        self.rows[name] = (values, over_time)
        print_row(name, values)


def in_folder(folder, name):
    """Where a file of that name goes; its folder exists then. Names of cases have spaces, names of files none."""
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, name.replace(" ", "_"))


def print_row(name, values):
    formats = ("6.2f", "6.2f", "6.2f", "6.2f", "6.4f", "6.2f", "6.2f", "6.0f", "6.2f")
    words = ["     -" if np.isnan(v) else format(v, f) for v, f in zip(values, formats)]
    print(f"| {name:34s} | {' | '.join(words)} |", flush=True)


def evaluate(case, clip, args):
    degraded, missing = case.degrade(clip.truth, args.seed)
    table = Table(case, clip, missing)
    shown = [("input", degraded[-1])]
    if case.scale == 1 and missing is None:
        table.add("input", degraded)
    for rival in case.rivals:
        if rival in args.without:
            continue
        start = time.time()
        out = peers.PEERS[rival](degraded[..., :3], missing, case)
        milliseconds = 1000 * (time.time() - start) / len(out)
        table.add(rival, out, milliseconds)
        if case.name.startswith("denoise"):
            table.add(f"{rival}, before clipping", peers.before_clipping(out, case.noise), milliseconds)
    for steps in args.steps or case.equal_steps:
        for mode in args.modes:
            properties = {**case.properties, "temporal": mode, "steps": steps, **args.properties}
            out, milliseconds, seconds = restore(degraded, case.scale, properties)
            table.add(f"reddiff steps={steps} temporal={mode}", out, milliseconds, seconds)
            shown.append((f"{mode}, {steps} calls", out[-1]))
            if args.keep:
                out.tofile(in_folder(args.keep, f"{clip.name}-{case.name}-{mode}-{steps}.rgb"))
    if args.pictures:
        pictures.write(in_folder(args.pictures, f"{case.name}-{clip.name}.png"), [*shown, ("truth", clip.truth[-1])], args.enlarge)
    return table


def estimate_noise(clips, args):
    """The element's noise=-1 against known levels; the prior does not matter."""
    levels = (2, 5, 10, 15, 25, 35, 50)
    print(f"\n| noise estimate, 8-bit units | {' | '.join(map(str, levels))} |\n|{'---|' * (len(levels) + 1)}")
    for clip in clips:
        found = []
        for level in levels:
            noisy, _ = through(clip.truth[:4], 1, "reddiffdegrade", f"noise={level}", f"seed={args.seed}")
            _, text = through(noisy, 1, "reddiff", "noise=-1", "prior=dct", "steps=1", "temporal=none", "post-messages=true")
            found.append(float(re.findall(r" noise=\(double\)([0-9.e+]+)", text)[-1]))
        print(f"| {clip.name} | {' | '.join(f'{f:.2f}' for f in found)} |", flush=True)


def print_means(tables):
    print(f"\n| {tables[0].case.name}: mean over {len(tables)} clips | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}")
    for name in tables[0].rows:
        print_row(name, np.mean([table.rows[name][0] for table in tables], 0))


def plot(tables, folder):
    """PSNR over time, one picture a clip and case; PSNR against time per frame, one picture a case."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    save = lambda name: (pyplot.legend(fontsize=7), pyplot.grid(alpha=0.3), pyplot.tight_layout(),
                         pyplot.savefig(in_folder(folder, f"{name}.png"), dpi=120), pyplot.close())
    for table in tables:
        pyplot.figure(figsize=(7, 4))
        for name, (_, over_time) in table.rows.items():
            pyplot.plot(over_time, label=name)
        pyplot.xlabel("frame")
        pyplot.ylabel("PSNR, dB")
        pyplot.title(f"{table.clip.name}: {table.case.name}")
        save(f"{table.case.name}-{table.clip.name}-over-time")
    pyplot.figure(figsize=(7, 4))
    for name in tables[0].rows:
        values = np.mean([table.rows[name][0] for table in tables], 0)
        if not np.isnan(values[7]):
            pyplot.semilogx(values[7], values[0], "o", label=name)
    pyplot.xlabel("milliseconds per frame")
    pyplot.ylabel("PSNR, dB")
    pyplot.title(f"{tables[0].case.name}, {len(tables)} clips")
    save(f"{tables[0].case.name}-against-time")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", metavar="PATH[:FIRST[:CROP]]", help="default: the clip of pipelines/demo, once that has run")
    parser.add_argument("--crop", default="480x256+80+8", help="WIDTHxHEIGHT+LEFT+TOP, for clips that do not say")
    parser.add_argument("--first", type=int, default=155, help="first frame, for clips that do not say")
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--reduce", type=int, default=1, help="pixels a side of the crop that become one: takes away what a codec left of it")
    parser.add_argument("--tasks", default="", help="only cases whose name contains one of these words, comma-separated")
    parser.add_argument("--modes", default="none,warm-start,filter", type=lambda s: s.split(","))
    parser.add_argument("--steps", default=None, type=lambda s: [int(n) for n in s.split(",")])
    parser.add_argument("--without", default=[], type=lambda s: s.split(","), help="peers to leave out, or `all`")
    parser.add_argument("--keep", help="folder for the restored frames (raw RGB)")
    parser.add_argument("--plots", help="folder for plots")
    parser.add_argument("--pictures", help="folder for the last frame of every case: input, restored, truth")
    parser.add_argument("--enlarge", type=int, default=1, help="pixels a side of one pixel in --pictures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", dest="properties", default=[], action="append", metavar="PROPERTY=VALUE", help="of the element, for every run")
    args = parser.parse_args()
    args.properties = dict(p.split("=", 1) for p in args.properties)
    if args.without == ["all"]:
        args.without = list(peers.PEERS)
    texts = args.clips or [os.environ.get("REDDIFF_CLIP", "")]
    for text in texts:
        if not os.path.exists(text.split(":")[0]):
            parser.error(f"no clip '{text}': name one, or run pipelines/demo first, which fetches bikes.mp4")
    clips = [Clip(text, args) for text in texts]
    asked = lambda name: not args.tasks or any(word in name for word in args.tasks.split(","))
    if asked("noise estimate"):
        estimate_noise(clips, args)
    if asked("compressed"):
        evaluate_codecs.print_table(clips, args.properties)
    if asked("damaged"):
        evaluate_damage.print_table(clips, args.properties)
    for case in cases():
        if not asked(case.name):
            continue
        tables = [evaluate(case, clip, args) for clip in clips]
        if len(tables) > 1:
            print_means(tables)
        if args.plots:
            plot(tables, args.plots)


if __name__ == "__main__":
    main()
