#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes what adapter.py trains on: pairs of a picture with noise that is not white and the picture that is wanted.

Half of them a camera's, the rest the other kinds in turn. Photographs are reduced by 1.7 to 4 first, so that their own noise and JPEG are averaged
away. OUT/NUMBER.npy: [pairs, 2, 112, 112, 3] float16, noisy and wanted, code values; OUT/NUMBER.levels.npy: [pairs] float32, their quiet levels.
A shard is the same whenever its number is, so several processes can share the work.

Run: pairs.py --data PICTURES --out OUT [--first 0] [--shards 40]
"""
import argparse
import math
import os
import pathlib
import time

import numpy as np
from PIL import Image

from camera import camera
from crops import EXTENSIONS
from noises import KINDS, draw_level, quiet_level

SIDE, MARGIN = 112, 8
LEVELS = (0.7, 30)  # quiet levels that are kept


def scene(files, side, least, rng):
    """A square of a photograph that was reduced, by `least` at least."""
    for _ in range(1000):
        picture = Image.open(files[rng.integers(len(files))]).convert("RGB")
        most = min(4, min(picture.size) / side)
        if most > least:
            break
    else:
        raise SystemExit(f"hardly any picture has {math.ceil(least * side)} pixels a side; --least takes smaller ones")
    factor = rng.uniform(least, most)
    small = picture.resize([max(side, round(n / factor)) for n in picture.size], Image.LANCZOS if rng.random() < 0.5 else Image.BOX)
    top, left = (rng.integers(0, n - side + 1) for n in small.size[::-1])
    pixels = np.asarray(small)[top : top + side, left : left + side].astype(np.float32)
    if rng.random() < 0.04:
        pixels = pixels.mean(2, keepdims=True).repeat(3, 2)
    return pixels


def pair(kind, files, least, rng):
    while True:
        if kind == "camera":
            factor = 1.0 if rng.random() < 0.5 else float(rng.choice([1 / rng.uniform(1, 1.5), rng.uniform(1, 1.8)]))
            side = math.ceil((SIDE + 2 * MARGIN) / factor) + 1
            noisy, clean = camera(scene(files, side, least, rng), rng, factor)
        else:
            noisy, clean = KINDS[kind](scene(files, SIDE + 2 * MARGIN, least, rng), draw_level(rng), rng)
            if rng.random() < 0.5:
                noisy = np.clip(noisy, 0, 255).round()
        top, left = rng.integers(0, np.array(clean.shape[:2]) - SIDE + 1)
        cut = np.stack([x[top : top + SIDE, left : left + SIDE] for x in (noisy, clean)])
        if LEVELS[0] < (level := quiet_level(*cut)) < LEVELS[1]:
            return cut.astype(np.float16), level


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of photographs, searched recursively")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--first", type=int, default=0, help="number of the first shard")
    parser.add_argument("--shards", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=250, help="of a shard")
    parser.add_argument("--least", type=float, default=1.7, help="reduction of the photographs")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    files = sorted(f for f in args.data.rglob("*") if f.suffix.lower() in EXTENSIONS)
    others = list(KINDS)
    for shard in range(args.first, args.first + args.shards):
        path = args.out / f"{shard:04}.npy"
        if path.exists():
            continue
        start = time.time()
        kinds = ["camera" if k % 2 == 0 else others[k // 2 % len(others)] for k in range(args.pairs)]
        pairs, levels = zip(*(pair(kind, files, args.least, np.random.default_rng([shard, k])) for k, kind in enumerate(kinds)))
        np.save(path.with_suffix(".levels.npy"), np.array(levels, np.float32))
        np.save(path.with_suffix(".tmp.npy"), np.stack(pairs))
        os.replace(path.with_suffix(".tmp.npy"), path)
        print(f"{path}: {(time.time() - start) / args.pairs * 1000:.0f} ms a pair", flush=True)


if __name__ == "__main__":
    main()
