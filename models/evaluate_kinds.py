#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures what a kind of error of a model's own is worth on noise that is not white: mean PSNR in dB on pictures reduced by two. Prints Markdown.

Rows: a camera's pictures by the RMS of their error in code values (train/camera.py), and the kinds of train/noises.py at two levels.
The RMS is the error's where the picture is quiet. Seeds are fixed, others than in training. Columns: the noisy picture; the network as it is
for white noise, told the RMS, told the multiple of it that is best for the row, and the best for each picture, both found knowing
the clean picture; the kind's own tensors told the RMS, and less and more than it; these at the RMS less white's best for each picture.

With --pairs instead of pictures: on pairs of train/codec.py, each told its level, Y-PSNR, a row for each codec.

Run: evaluate_kinds.py PICTURES | --pairs FOLDER [--model default.safetensors] [--adapter camera.pt | --kind camera]
"""
import argparse
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).parent / "train"))
from camera import camera  # noqa: E402  (beside, in train/)
from network import denoise, load_network  # noqa: E402  (beside, in train/)
from noises import KINDS, quiet_level  # noqa: E402  (beside, in train/)
from planes import CODECS  # noqa: E402  (beside, in train/)
from quality import pictures  # noqa: E402  (beside, in train/)

CAMERA = ((1, 3), (3, 8), (8, 20))
LEVELS = (5, 15)
MULTIPLES = (0.7, 1, 1.4, 2, 2.8, 4)
TOLD = (0.7, 1, 1.5)
PAIR_MULTIPLES = (0.5, 0.7, 1, 1.4)


def of_camera(low, high):
    def make(scene, rng):
        while True:
            noisy, clean = camera(scene, rng)
            if low < quiet_level(noisy, clean) < high:
                return noisy, clean

    return make


def of_kind(kind, level):
    return lambda scene, rng: KINDS[kind](scene, level, rng)


def rows():
    yield from ((f"camera, {low} to {high}", of_camera(low, high)) for low, high in CAMERA)
    yield from ((f"{kind} {level}", of_kind(kind, level)) for kind in KINDS for level in LEVELS)


def scene(file):
    picture = Image.open(file).convert("RGB")
    return np.asarray(picture.resize([n // 2 for n in picture.size], Image.LANCZOS)).astype(np.float32)


def db(error):
    return -10 * math.log10(np.square(error).mean() / 255**2)


@torch.no_grad()
def restored(net, noisy, level):
    """What the network makes of code values; borders are padded to whole cells of its own."""
    x = torch.from_numpy(noisy.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1
    grid, (height, width) = 2 ** len(net.cfg["ch"]), noisy.shape[:2]
    padded = F.pad(x, (0, -width % grid, 0, -height % grid), mode="reflect")
    out = denoise(net, padded, torch.full((1, 1, 1, 1), level / 127.5))[0, :, :height, :width]
    return ((out.clamp(-1, 1) + 1) * 127.5).permute(1, 2, 0).numpy()


def measure(name, make, files, plain, own):
    table = []
    for k, file in enumerate(files):
        noisy, clean = make(scene(file), np.random.default_rng([77, k, *name.encode()]))
        level = quiet_level(noisy, clean)
        gain = lambda net, said: db(restored(net, noisy, said) - clean)
        whites, owns = ([gain(net, m * level) for m in multiples] for net, multiples in ((plain, MULTIPLES), (own, TOLD)))
        table.append([level, db(noisy - clean), *whites, *owns])
    table = np.array(table)
    levels, noisy, oracle, told = np.split(table, [1, 2, 2 + len(MULTIPLES)], 1)
    best = oracle.mean(0).argmax()
    at_rms, most = oracle[:, MULTIPLES.index(1)].mean(), oracle.max(1).mean()
    cells = [levels.mean(), noisy.mean(), at_rms, oracle.mean(0)[best], MULTIPLES[best], most, *told.mean(0)]
    difference = told[:, TOLD.index(1)].mean() - most
    print(f"| {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} | {difference:+.2f} |", flush=True)


def measure_pairs(folder, most, plain, own):
    """Rows as above by codec, of the pairs of a folder."""
    luma = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    psnr = lambda x, clean: -10 * math.log10(((x.clamp(-1, 1) - clean) * luma).sum(1).square().mean().item() / 4)
    found = {}
    for path in sorted(folder.glob("[0-9]*[0-9].npy")):
        levels, meta = (np.load(path.with_suffix(f".{name}.npy")) for name in ("levels", "meta"))
        for pair, level, about in list(zip(np.load(path, mmap_mode="r"), levels, meta))[:most]:
            noisy, clean = (torch.from_numpy(x.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1 for x in pair)
            gain = lambda net, factor: psnr(denoise(net, noisy, torch.full((1, 1, 1, 1), factor * float(level) / 127.5)), clean)
            row = [level, psnr(noisy, clean), *(gain(plain, m) for m in PAIR_MULTIPLES), *(gain(own, m) for m in PAIR_MULTIPLES)]
            found.setdefault(list(CODECS)[int(about[0])], []).append(row)
    print(f"\n| pairs | level | decoded | {' | '.join(f'{net}, x {m}' for net in ('white', 'own') for m in PAIR_MULTIPLES)} |")
    print(f"|{'---|' * (3 + 2 * len(PAIR_MULTIPLES))}")
    for name, rows in [*found.items(), ("all", sum(found.values(), []))]:
        print(f"| {name}, {len(rows)} | {' | '.join(f'{value:.2f}' for value in np.mean(rows, 0))} |", flush=True)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, nargs="?", help="folder of pictures")
    parser.add_argument("--pairs", type=pathlib.Path, help="folder of shards of train/codec.py")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path(__file__).parent / "default.safetensors")
    parser.add_argument("--adapter", type=pathlib.Path, help="checkpoint of train/adapter.py; without it the model's own kind is measured")
    parser.add_argument("--kind", default="camera")
    parser.add_argument("--pictures", type=int, default=20, help="at most this many; with --pairs of a shard")
    parser.add_argument("--only", default="", help="rows whose names begin with this")
    args = parser.parse_args()
    torch.set_flush_denormal(True)  # as in training: denormal numbers are slow
    torch.set_num_threads(1)
    if (args.folder is None) == (args.pairs is None):
        parser.error("name a folder of pictures, or one of pairs with --pairs")
    plain = load_network(str(args.model))
    own = load_network(str(args.model), "white" if args.adapter else args.kind)
    if args.adapter:
        state = torch.load(args.adapter, map_location="cpu", weights_only=True)
        print(f"{args.adapter}: {state['steps']} steps, {state['megapixels']:.0f} megapixels")
        own.load_state_dict(own.state_dict() | {key: value.half().float() for key, value in state["ema"].items()})
    if args.pairs:
        return measure_pairs(args.pairs, args.pictures, plain, own)
    files = pictures(args.folder)[: args.pictures]
    told = " | ".join(f"{args.kind}, RMS x {m}" for m in TOLD)
    whites = "white, RMS | white, best for the row | at RMS x | white, best for each picture"
    print(f"\n| {len(files)} pictures | RMS | noisy | {whites} | {told} | difference |")
    print(f"|{'---|' * (8 + len(TOLD))}")
    for name, make in rows():
        if name.startswith(args.only):
            measure(name, make, files, plain, own)


if __name__ == "__main__":
    main()
