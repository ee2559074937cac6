#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes what an adapter learns codecs' errors from: pairs of a decoded picture and the picture that was encoded, of moving material.

OUT/NUMBER.npy: [pairs, 2, 112, 112, 3] float16, decoded and wanted, code values. OUT/NUMBER.levels.npy: [pairs] float32, the level that
is told: the law of the frame's quantiser parameter (QP), with an offset for the codec. OUT/NUMBER.meta.npy: [pairs, 6] float32: codec's number
(encoders.py), QP that the level is of, the frame's own QP, type (0 I, 1 P, 2 B), RMS of the error of R'G'B' and of luma. A shard is the same
whenever its number is, so several processes may share the work.

Run: codec.py --clips FOOTAGE --data PICTURES --out OUT [--shards A:B] [--processes N] [--seconds S]
Then: codec.py --out OUT --fit, which prints the offsets that suit the pairs
"""
import argparse
import math
import multiprocessing
import os
import pathlib
import time

import numpy as np

import encoders
import moving
from camera import log_uniform
from planes import to_picture, to_planes

SIDE = 112
SIZES = ((176, 240), (160, 256), (192, 224))
PHOTOS, FOOTAGE = (".jpg", ".jpeg", ".webp", ".png"), (".mkv", ".mp4", ".avi", ".webm", ".mov")
LUMA = moving.LUMA
RMS = (0.4, 40)  # of errors that are kept
# Of 20 clips: none of the codecs is left to chance.
TURNS = 8 * ["h264"] + 4 * ["hevc"] + 2 * ["mpeg2"] + 2 * ["mpeg4"] + 2 * ["jpeg"] + ["file"] + ["vp"]
# Medians over 3,000 pairs, in octaves (--fit).
OFFSETS = {"h264": 0.67, "hevc": 0.34, "mpeg2": 0.92, "mpeg4": 1.07, "jpeg": 0.62, "vp8": 1.68, "vp9": 0.38}


def level(codec, qp):
    """RMS in code values that a frame's error is expected to have."""
    return 2 ** (0.62 * qp / 6 - 1.15 + OFFSETS.get(codec, 0))


def bit_rate(size, rng):
    return int(size[0] * size[1] * encoders.RATE * log_uniform(rng, 0.02, 0.3))


def x264(size, rng):
    options = {"preset": str(rng.choice(["veryfast", "faster", "fast", "medium"])), "g": str(rng.choice([6, 250, 250]))}
    draw = rng.random()
    if draw < 0.55:
        options["crf"] = f"{rng.uniform(18, 43):.1f}"
    elif draw < 0.75:
        options["qp"] = str(rng.integers(18, 44))
    else:
        rate = bit_rate(size, rng)
        options |= {"b": str(rate), "maxrate": str(rate), "bufsize": str(rate // 2)}
    if rng.random() < 0.2:
        return options | {"tune": "zerolatency"}
    return options | {"bf": str(rng.integers(0, 4))}


def x265(size, rng):
    prompt = rng.random() < 0.2
    inner = f"log-level=none:pools=none:frame-threads=1:wpp=0:bframes={0 if prompt else rng.choice([0, 2, 3, 4])}"
    options = {"preset": str(rng.choice(["ultrafast", "superfast", "veryfast", "fast"], p=[0.15, 0.35, 0.35, 0.15])), "x265-params": inner}
    options["crf" if rng.random() < 0.7 else "qp"] = str(rng.integers(18, 44))
    return options | ({"tune": "zerolatency"} if prompt else {})


def mpeg(size, rng):
    q = str(round(log_uniform(rng, 2, 31)))
    rate = {"b": str(3 * bit_rate(size, rng))} if rng.random() < 0.3 else {"qmin": q, "qmax": q, "b": "400k"}
    return rate | {"g": str(rng.choice([6, 12, 250])), "bf": str(rng.choice([0, 2]))}


def motion_jpeg(size, rng):
    q = str(round(log_uniform(rng, 2, 31)))
    return {"qmin": q, "qmax": q, "b": "4M"}


def vp(size, rng):
    q = str(rng.integers(8, 64))
    return {"deadline": "realtime", "cpu-used": str(rng.integers(5, 9)), "b": "2M", "qmin": q, "qmax": q, "lag-in-frames": "0"}


OPTIONS = {"h264": x264, "hevc": x265, "mpeg2": mpeg, "mpeg4": mpeg, "jpeg": motion_jpeg, "vp8": vp, "vp9": vp}


def broken(frames, turn, rng):
    """Decoded pictures of a clip with type and QPs, as encoders.coded() gives them, and the codec."""
    if turn == "file":
        quality = round(log_uniform(rng, 5, 92))
        rows = encoders.jpeg_files(frames[::3], quality, int(rng.choice([0, 1, 2, 2, 2])))
        return "jpeg", [None if k % 3 else rows[k // 3] for k in range(len(frames))], ("bt601", True, False)
    codec = str(rng.choice(["vp8", "vp9"])) if turn == "vp" else turn
    look = ("bt601", True, False) if codec == "jpeg" else (str(rng.choice(["bt601", "bt709"])), False, True)
    options = OPTIONS[codec](frames[0].shape, rng)
    return codec, encoders.coded([to_planes(f, *look) for f in frames], codec, options), look


def crops(decoded, clean, rng, count):
    """count pairs of places drawn anew, without those whose error is hardly there or out of bounds."""
    for _ in range(count):
        top, left = (rng.integers(n - SIDE + 1) for n in clean.shape[:2])
        cut = np.stack([x[top : top + SIDE, left : left + SIDE] for x in (decoded, clean)])
        error = cut[0] - cut[1]
        rms, luma = (float(np.sqrt(np.square(x).mean())) for x in (error, error @ LUMA))
        if RMS[0] < rms < RMS[1]:
            yield cut.astype(np.float16), rms, luma


def pairs_of(real, photos, turn, rng, frames_kept=5):
    """(pair, level, meta) of one clip; the key frame it starts with is among them half of the time."""
    size, count = SIZES[rng.integers(len(SIZES))], int(rng.integers(9, 13))
    frames = moving.clip(real, photos, size, count, rng)
    codec, rows, look = broken(frames, turn, rng)
    there = [k for k, row in enumerate(rows) if row and (k or rng.random() < 0.5)]
    kept = sorted(rng.choice(there, min(frames_kept, len(there)), replace=False))
    out = []
    for k in kept:
        planes, kind, own, qp = rows[k]
        told = qp if codec == "hevc" else own
        decoded = to_picture(planes, *look)
        for cut, rms, luma in crops(decoded, frames[k].astype(np.float32), rng, 2):
            meta = (encoders.CODECS.index(codec), told, own, "IPB".index(kind), rms, luma)
            out.append((cut, level(codec, told), meta))
    return out


def shard(number, args, real, photos):
    """args.pairs pairs; the codecs take turns over the shards."""
    rows, clip = [], 0
    while len(rows) < args.pairs:
        turn = TURNS[(7 * clip + number) % len(TURNS)]
        rows += pairs_of(real, photos, turn, np.random.default_rng([number, clip]))
        clip += 1
    cut, levels, meta = (np.array(x) for x in zip(*rows[: args.pairs]))
    return cut, levels.astype(np.float32), meta.astype(np.float32)


def files_in(folder, endings):
    return sorted(f for f in folder.rglob("*") if f.suffix.lower() in endings) if folder else []


def work(args, share):
    """Makes every args.processes-th shard that is not there yet."""
    os.nice(args.nice)
    real, photos = files_in(args.clips, FOOTAGE), files_in(args.data, PHOTOS)
    if not real and not photos:
        raise SystemExit("neither --clips nor --data holds anything to encode; give one of them a folder of videos or pictures")
    first, last = args.shards
    start = time.time()
    for number in range(first + share, last, args.processes):
        path = args.out / f"{number:04}.npy"
        if path.exists():
            continue
        if time.time() - start > args.seconds:
            break
        begun = time.process_time()
        made = shard(number, args, real, photos)
        for ending, array in zip((".meta.npy", ".levels.npy", ".npy"), reversed(made)):
            temporary = path.with_suffix(".tmp" + ending)
            np.save(temporary, array)
            os.replace(temporary, path.with_suffix(ending))
        print(f"{path}: {(time.process_time() - begun) / args.pairs * 1000:.0f} ms a pair", flush=True)


def fit(folder):
    """Prints the median offset of each codec in octaves, of its QPs, and how far the errors lie from the law (half of the middle half)."""
    meta = np.concatenate([np.load(f) for f in sorted(folder.glob("[0-9]*[0-9].meta.npy"))])
    for number, codec in enumerate(encoders.CODECS):
        rows = meta[meta[:, 0] == number]
        if not len(rows):
            continue
        rest, own, luma = (np.log2(rms) - 0.62 * qp / 6 + 1.15 for rms, qp in ((rows[:, 4], rows[:, 1]), (rows[:, 4], rows[:, 2]), (rows[:, 5], rows[:, 1])))
        slope = 6 * np.polyfit(rows[:, 1], np.log2(rows[:, 4]), 1)[0]
        low, middle, high = np.percentile(rest, [25, 50, 75])
        by_kind = " ".join(f"{name} {np.median(rest[rows[:, 3] == k]):+.2f}" for k, name in enumerate("IPB") if (rows[:, 3] == k).any())
        print(f'"{codec}": {middle:.2f},  # {len(rows)} pairs, own QP {np.median(own):+.2f}, luma {np.median(luma):+.2f}, {by_kind}, spread {(high - low) / 2:.2f}, slope {slope:.2f}')


def span(text):
    first, _, last = text.partition(":")
    return (int(first), int(last)) if last else (0, int(first))


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--clips", type=pathlib.Path, help="folder of real footage, clean: reduced by two or more; at least 256x192")
    parser.add_argument("--data", type=pathlib.Path, help="folder of photographs, clean: reduced by two or more")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--shards", type=span, default="40", help="how many, or A:B for those from A to B - 1")
    parser.add_argument("--pairs", type=int, default=250, help="of a shard")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=math.inf, help="no shard is begun after them")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--fit", action="store_true", help="only print the offsets that the shards in OUT ask for")
    args = parser.parse_args()
    if args.fit:
        return fit(args.out)
    args.out.mkdir(parents=True, exist_ok=True)
    workers = [multiprocessing.Process(target=work, args=(args, share)) for share in range(args.processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise SystemExit("a process ended early; see above")


if __name__ == "__main__":
    main()
