# SPDX-License-Identifier: LGPL-2.1-or-later
"""What noise=-1 makes of noise as cameras make it, and of clean material (noise_material.py), against the best fixed `noise`.

For every kind, clip and temporal mode: PSNR of the input; gain with no settings; the best gain over a search of fixed levels (the oracle)
and its level; what automatic gains less than the oracle; the level that the element said on the first and the last frame; the RMS of the
noise. Clean material: the loss and the level, without a search; with --enlarge it is reduced by two before it is compressed, enlarged by the
element, and what noise=0 makes of it stands for the input. PSNR is of all judged frames together. Times are not measured, so that other work
may go on beside.
Run through pipelines/evaluate noise, or by itself with the same Python; GST_PLUGIN_PATH_1_0 says which build.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

import cv2
import numpy as np

import clean_material as clean
import noise_material as material

LEVELS = (0, 1, 2, 3, 5, 8, 11, 15, 20, 26, 34, 50)
QUICK_LEVELS = (0, 2, 5, 8, 15, 26, 50)
QUICK_CLIPS = "motorcycle,Megamind"
QUICK_WAYS = "raw,q22"
AUTOMATIC = -1
BRANCHES = 8  # of one process: LibTorch is loaded once for all


def psnr(frames, truth):
    error = np.mean(np.square(frames.astype(np.float32) - truth), dtype=np.float64)
    return 10 * np.log10(255.0**2 / max(error, 1e-3))  # at most 78 dB


def run_branches(jobs, folder, pixels):
    """One gst-launch, one branch for each (frames, properties): [(restored frames, levels said frame by frame)]. Properties of none: the
    frames are only brought to the format `pixels` and back."""
    words, back = [], [] if pixels == "RGB" else ["!", "videoconvert", "!", "video/x-raw,format=RGB"]
    for i, (frames, properties) in enumerate(jobs):
        _, height, width, _ = frames.shape
        frames.tofile(f"{folder}/in{i}")
        words += ["filesrc", f"location={folder}/in{i}", f"blocksize={height * width * 3}", "!", "rawvideoparse", "format=rgb",
                  f"width={width}", f"height={height}", "framerate=25/1"]
        words += ["!", "videoconvert", "!", f"video/x-raw,format={pixels}"] if back else []
        if properties is not None:
            words += ["!", "reddiff", f"name=r{i}", "post-messages=true", *(f"{name}={value}" for name, value in properties.items())]
        words += [*back, "!", "filesink", f"location={folder}/out{i}"]
    done = subprocess.run(["gst-launch-1.0", "-m", *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"evaluate_noise: gst-launch-1.0 {' '.join(words)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    results = []
    for i, (frames, _) in enumerate(jobs):
        said = re.findall(rf'from element "r{i}" \(element\): reddiff-stats,.* noise=\(double\)([-+0-9.e]+)', done.stdout)
        scale = int((jobs[i][1] or {}).get("scale", 1))
        shape = (len(frames), scale * frames.shape[1], scale * frames.shape[2], 3)
        results.append((np.fromfile(f"{folder}/out{i}", np.uint8).reshape(shape), [float(level) for level in said]))
    return results


def restored(jobs, pixels="RGB"):
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(0, len(jobs), BRANCHES):
            results += run_branches(jobs[i: i + BRANCHES], folder, pixels)
    return results


def in_format(frames, pixels):
    """As frames look that were of this format: what is lost to halved chroma is no noise."""
    return frames if pixels == "RGB" else restored([(frames, None)], pixels)[0][0]


def taken(before, after):
    """Of what was taken away, in luma: the RMS, the correlation of neighbours (0: it is white), and how many times as large it is in the
    flattest quarter of the picture as in that with most detail (noise 1 and more, detail much less)."""
    luma = lambda frames: frames.astype(np.float32) @ np.float32([0.299, 0.587, 0.114])
    difference, last = luma(before) - luma(after), cv2.GaussianBlur(luma(after)[-1], (0, 0), 1.5)
    slope = np.hypot(*np.gradient(last))
    flat, detailed = (material.rms(difference[-1][where]) for where in (slope <= np.quantile(slope, 0.25), slope >= np.quantile(slope, 0.75)))
    size = material.rms(difference)
    return size, np.mean(difference[..., 1:] * difference[..., :-1]) / max(size**2, 1e-9), flat / max(detailed, 1e-9)


class Row:
    """One kind on one clip in one temporal mode."""

    def __init__(self, made, mode, levels, args):
        setting = lambda level: {**args.properties, "temporal": mode, "noise": level}
        judged = slice(-args.judged if args.judged else None, None)
        truth, noisy = (in_format(frames[judged], args.format) for frames in (made.truth, made.noisy))
        self.input = psnr(noisy, truth)
        gain = lambda frames: psnr(frames[judged], truth) - self.input
        # Without the past a frame at a fixed level does not depend on those before.
        judged_alone = made.noisy[judged] if mode == "none" else made.noisy
        jobs = [(made.noisy, setting(AUTOMATIC)), *((judged_alone, setting(level)) for level in levels)]
        (automatic, said), *fixed = restored(jobs, args.format)
        self.automatic, self.first, self.last, self.rms = gain(automatic), said[0], said[-1], made.rms
        self.oracle, self.best = max(((gain(frames), level) for (frames, _), level in zip(fixed, levels)), default=(np.nan, np.nan))
        self.unchanged, self.taken = (automatic[judged] == noisy).all(), taken(noisy, automatic[judged])

    def values(self):
        return np.array([self.input, self.automatic, self.oracle, self.best, self.oracle - self.automatic, self.first, self.last, self.rms])


class EnlargedRow:
    """What is clean, reduced by two, compressed or not, and enlarged."""

    def __init__(self, truth, compress, mode, args):
        small = compress(np.stack([cv2.resize(f, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for f in truth]))
        setting = lambda level: {**args.properties, "temporal": mode, "noise": level, "task": "super-resolution", "scale": 2}
        (automatic, said), (without, _) = restored([(small, setting(level)) for level in (AUTOMATIC, 0)], args.format)
        judged = slice(-args.judged if args.judged else None, None)
        self.input = psnr(without[judged], truth[judged])
        self.automatic, self.first, self.last = psnr(automatic[judged], truth[judged]) - self.input, said[0], said[-1]
        self.unchanged, self.taken = (automatic == without).all(), taken(without[judged], automatic[judged])


COLUMNS = ("input", "automatic", "oracle", "its level", "short by", "said first", "said last", "RMS")
CLEAN_COLUMNS = ("input", "gain", "said first", "said last", "bytes kept")


def head(title, columns):
    print(f"\n| {title} | {' | '.join(columns)} |\n|{'---|' * (len(columns) + 1)}", flush=True)


def print_row(name, values):
    formats = ("6.2f", "+6.2f", "+6.2f", "5.1f", "5.2f", "5.1f", "5.1f", "5.1f")
    print(f"| {name} | {' | '.join(format(v, f) for v, f in zip(values, formats))} |", flush=True)


def noisy_table(clips, args):
    """Returns the rows' values by mode and kind."""
    found = {}
    for kind in material.KINDS:
        if not material.asked(kind, args.kind):
            continue
        for clip, frames in clips.items():
            made = material.make(kind, frames, args.seed)
            for mode in args.modes:
                row = Row(made, mode, args.levels, args)
                found.setdefault((kind, mode), []).append(row.values())
                if args.each:
                    print_row(f"{kind}: {clip}, {mode}", row.values())
        for mode in args.modes:
            print_row(f"{kind}, {mode}", np.mean(found[kind, mode], 0))
    return found


def clean_table(clips, args):
    worst = []
    for name, get in {**clean.SCREEN, **{name: (lambda f=f: f) for name, f in clips.items()}}.items():
        frames = get()
        for way in (w for w in material.WAYS if material.asked(w, args.ways)):
            change = material.WAYS[way]
            made = material.Made(frames, frames if args.enlarge else change(frames), 0.0)
            for mode in args.modes:
                row = EnlargedRow(frames, change, mode, args) if args.enlarge else Row(made, mode, (), args)
                worst.append((row.automatic, f"{name}, {way}, {mode}", row.last, row.taken))
                print(f"| {name}, {way}, {mode} | {row.input:6.2f} | {row.automatic:+6.2f} | {row.first:5.2f} | {row.last:5.2f} | "
                      f"{'yes' if row.unchanged else 'no'} |", flush=True)
    lose = sorted(entry for entry in worst if entry[0] < -0.1 or entry[2] > 0.5)
    print(f"\n{len(lose)} of {len(worst)} lose more than .1 dB or are said to have noise" +
          "".join(f"; {name} {gain:+.2f}, {said:.2f}" for gain, name, said, _ in lose[:8]))
    for _, name, said, (size, alike, where) in lose:
        print(f"{name}: said {said:.2f}, taken from luma {size:.2f}, neighbours correlate by {alike:+.2f}, {where:.1f} times as "
              "much where it is flat as beside detail")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="prior=tiny, temporal=none, fewer levels and clips")
    parser.add_argument("--kind", default="", help="only kinds whose name contains one of these words, comma-separated; `clean`: none of them")
    parser.add_argument("--clip", default=None, help="only clips whose name contains one of these words")
    parser.add_argument("--pictures", help="folder of pictures to use instead of the photographs and films")
    parser.add_argument("--count", type=int, default=0, help="so many clips at most")
    parser.add_argument("--modes", default=None, type=lambda s: s.split(","), help="temporal modes (default none,filter)")
    parser.add_argument("--levels", default=None, type=lambda s: [float(x) for x in s.split(",")] if s else [], help="of the search; empty: no search")
    parser.add_argument("--ways", default=None, help="how clean material comes: raw, x264 q15, x264 q22, x264 q30")
    parser.add_argument("--enlarge", action="store_true", help="clean material by two; no other table")
    parser.add_argument("--format", default="RGB", help="of the pixels that the element gets, as I420, which most files have")
    parser.add_argument("--judged", type=int, default=None, help="PSNR of so many last frames; 0: of all (what automatic learns from goes before)")
    parser.add_argument("--without-clean", action="store_true")
    parser.add_argument("--each", action="store_true", help="a row for each clip too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", dest="properties", default={}, nargs="*", metavar="NAME=VALUE", help="properties of the element")
    args = parser.parse_args()
    args.properties = dict(word.split("=", 1) for word in args.properties)
    choose = lambda given, quick, full: given if given is not None else quick if args.quick else full
    args.modes = choose(args.modes, ["none"], ["none", "filter"])
    args.levels = choose(args.levels, QUICK_LEVELS, LEVELS)
    args.judged = choose(args.judged, 2, 0)
    args.ways = choose(args.ways, QUICK_WAYS, "")
    args.clip = choose(args.clip, "" if args.pictures else QUICK_CLIPS, "")
    args.kind = "clean" if args.enlarge else args.kind
    if args.quick:
        args.properties = {"prior": "tiny", **args.properties}
    return args


def main():
    args = parse()
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    os.environ.setdefault("GST_PLUGIN_PATH_1_0", os.path.join(here, "build/gst-plugin"))
    clips = clean.pictures_in(args.pictures) if args.pictures else clean.PHOTOGRAPHIC
    names = [name for name in clips if material.asked(name, args.clip)]
    clips = {name: clips[name]() for name in names[: args.count or None]}
    if not clips:
        sys.exit("evaluate_noise: no pictures; install opencv-doc, run pipelines/demo once, or name a folder with --pictures")
    print(f"clips: {', '.join(clips)}; modes: {', '.join(args.modes)}; levels: {', '.join(map(str, args.levels))}; {args.properties}")
    if args.kind != "clean":
        head("noise, mode (dB; levels in code values)", COLUMNS)
        found = noisy_table(clips, args)
        for mode in args.modes:
            print_row(f"mean, {mode}", np.mean([np.mean(rows, 0) for (_, m), rows in found.items() if m == mode], 0))
    if not args.without_clean and material.asked("clean", args.kind):
        head("clean, way, mode", CLEAN_COLUMNS)
        clean_table(clips, args)


if __name__ == "__main__":
    main()
