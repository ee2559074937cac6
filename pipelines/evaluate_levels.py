# SPDX-License-Identifier: LGPL-2.1-or-later
"""The noise that the element says without a setting, against the noise that was added: by kind, clip and level.

The clips are those that results are reported on (clean_material.REPORTED); said is `stats` of the last frame, true is the root mean square of
what was added before it was clipped and rounded, inside bars not counted. A star stands beside what is neither within a tenth nor within
half a code value.
Run through pipelines/evaluate levels; GST_PLUGIN_PATH_1_0 says which build.
"""
import argparse
import os
import sys

import cv2
import numpy as np

import clean_material as clean
import evaluate_noise
import noise_material as material

LEVELS = (2, 5, 10, 15, 25, 35, 50)

# name: noise of this level -> function as of noise_material.Kind
KINDS = {
    "white": material.white,
    "black bars": lambda level: material.surrounded(level, "letterbox", 0),
    "black pillars": lambda level: material.surrounded(level, "pillarbox", 0),
    "quiet bars": lambda level: material.surrounded(level, "letterbox", 1),
    "inset": lambda level: material.surrounded(level, "inset", 1),
    "brightening": lambda level: material.brightening(0.4 * level, 1.4 * level),
    "correlated": lambda level: material.correlated(level, 1),
    "enlarged": lambda level: material.noise_enlarged(level, cv2.INTER_CUBIC),
    "grain": material.grain,
}


def is_near(said, true):
    return abs(said - true) <= max(0.1 * true, 0.5)


def print_row(name, found):
    cells = [f"{said:.2f}" + (f" ({true:.2f})" if abs(true - level) > 0.005 else "") + ("" if is_near(said, true) else " *")
             for level, said, true in found]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def print_table(clips, args):
    head = f"| said (true, where it is not the level), code values | {' | '.join(map(str, args.levels))} |"
    print(f"\n{head}\n|{'---|' * (len(args.levels) + 1)}")
    far = cells = 0
    for kind, at_level in KINDS.items():
        if not material.asked(kind, args.kind):
            continue
        for clip, frames in clips.items():
            made = [at_level(level)(frames, np.random.default_rng([args.seed, level])) for level in args.levels]
            settings = {"temporal": "none", "steps": 1, **args.properties, "noise": evaluate_noise.AUTOMATIC}
            said = [levels[-1] for _, levels in evaluate_noise.restored([(m.noisy, settings) for m in made], args.format)]
            found = [(level, s, m.rms) for level, s, m in zip(args.levels, said, made)]
            print_row(f"{kind}: {clip}", found)
            far += sum(not is_near(s, true) for _, s, true in found)
            cells += len(found)
    print(f"\n{far} of {cells} are farther away than a tenth and than half a code value")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="", help="only kinds whose name contains one of these words, comma-separated")
    parser.add_argument("--clip", default="", help="only clips whose name contains one of these words")
    parser.add_argument("--levels", default=LEVELS, type=lambda s: [int(x) for x in s.split(",")])
    parser.add_argument("--format", default="RGB", help="of the pixels that the element gets, as I420, which most files have")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", dest="properties", default=[], nargs="*", metavar="NAME=VALUE", help="properties of the element")
    args = parser.parse_args()
    args.properties = dict(word.split("=", 1) for word in args.properties)
    clips = {name: get() for name, get in clean.REPORTED.items() if material.asked(name, args.clip)}
    if not clips:
        sys.exit("evaluate_levels: no clips; install opencv-doc and run pipelines/demo once")
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    os.environ.setdefault("GST_PLUGIN_PATH_1_0", os.path.join(here, "build/gst-plugin"))
    print_table(clips, args)


if __name__ == "__main__":
    main()
