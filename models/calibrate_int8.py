#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures how far the activations of a model reach, for precision=int8, and writes it into the model: "int8.levels" (noise levels) and,
for each kind of error, "int8.ranges" (per residual block and level: least and most of its input, most of what lies between its two
convolutions; all zero where the block stays in float32). core/priors/int8_block.h reads them.

All other tensors stay as they are. Run export_reference.py afterwards. A development tool: needs torch, safetensors, numpy and pillow.
Run: calibrate_int8.py --data PICTURES [--model default.safetensors] [--float enc.0.0]
"""
import argparse
import hashlib
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent / "train"))
from network import denoise, load_network  # noqa: E402  (beside, in train/)

LEVELS = (0.003, 0.008, 0.02, 0.04, 0.08, 0.16, 0.4, 1.0, 2.5, 5.0)  # of pictures in [-1, 1]
SIDE = 192
DRAWN = 8


def photograph(path):
    """The middle of a picture, reduced so that nothing of a JPEG grid is left."""
    picture = Image.open(path).convert("RGB")
    scale = min(0.5, max(1.25 * SIDE, 480) / min(picture.size))
    size = [max(SIDE, round(side * scale)) for side in picture.size]
    left, top = ((side - SIDE) // 2 for side in size)
    return picture.resize(size, Image.LANCZOS).crop((left, top, left + SIDE, top + SIDE))


def drawn(seed):
    """Flat shapes and text: edges and contrasts that photographs do not have."""
    random = np.random.default_rng(seed)
    colour = lambda: tuple(random.integers(0, 256, 3).tolist())
    picture = Image.new("RGB", (2 * SIDE, 2 * SIDE), colour())
    draw = ImageDraw.Draw(picture)
    for i in range(14):
        x, y, width, height = random.integers(0, 2 * SIDE, 4).tolist()
        (draw.rectangle if i % 2 else draw.ellipse)([x, y, x + width // 2, y + height // 2], fill=colour())
    for y in range(0, 2 * SIDE, 24):
        draw.text((int(random.integers(0, SIDE)), y), "Sphinx of black quartz, judge my vow 0123456789", fill=colour())
    return picture.resize((SIDE, SIDE), Image.BOX)


def blocks_of(net):
    """In the order of "int8.ranges": per level the way down, then the way up; the coarsest last."""
    for i in range(len(net.down)):
        yield from ((f"enc.{i}.{k}", block) for k, block in enumerate(net.enc[i]))
        yield from ((f"dec.{i}.{k}", block) for k, block in enumerate(net.dec[i]))
    yield from ((f"mid.{k}", block) for k, block in enumerate(net.mid))


def reach(values, steps):
    """The range, a part of the whole one, whose steps leave the least mean square error. values: a sample and the whole range."""
    sample, least, most = values
    best = None
    for part in (1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4):
        low, high = min(least, 0) * part, max(most, 0) * part
        step = max(high - low, 1e-6) / steps
        error = ((sample / step).round().clamp(round(low / step), round(high / step)) * step - sample).square().mean().item()
        if best is None or error < best[0]:
            best = (error, low, high)
    return best[1:]


def sampled(x):
    return x.flatten()[::23].clone(), x.min().item(), x.max().item()


@torch.no_grad()
def ranges_of(net, pictures, kept):
    blocks, seen = list(blocks_of(net)), {}
    unknown = set(kept) - {name for name, _ in blocks}
    if unknown:
        raise SystemExit(f"no blocks {', '.join(sorted(unknown))}; there are {', '.join(name for name, _ in blocks)}")
    for name, block in blocks:
        block.conv1.register_forward_pre_hook(lambda _, x, name=name: seen.update({(name, 1): sampled(x[0])}))
        block.conv2.register_forward_pre_hook(lambda _, x, name=name: seen.update({(name, 2): sampled(x[0])}))
    ranges = torch.zeros(len(blocks), len(LEVELS), 3)
    for band, level in enumerate(LEVELS):
        noise = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(band))
        denoise(net, pictures + level * noise, torch.full((1, 1, 1, 1), level))
        for i, (name, _) in enumerate(blocks):
            if name not in kept:
                ranges[i, band] = torch.tensor([*reach(seen[name, 1], 255), max(reach(seen[name, 2], 255)[1], 1e-3)])
    return ranges.half()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, nargs="+", required=True, help="photographs, or folders of them; a dozen will do")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path(__file__).parent / "default.safetensors")
    parser.add_argument("--float", nargs="*", default=["enc.0.0"], metavar="BLOCK", help="blocks that stay in float32")
    args = parser.parse_args()

    endings = (".jpg", ".jpeg", ".png", ".webp")
    inside = lambda path: sorted(p for p in path.rglob("*") if p.suffix.lower() in endings) if path.is_dir() else [path]
    paths = [p for folder in args.data for p in inside(folder)]
    pictures = [photograph(path) for path in paths] + [drawn(seed) for seed in range(DRAWN)]
    pictures = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2).float() / 127.5 - 1

    tensors = {key: value for key, value in load_file(args.model).items() if ".ranges" not in key}
    tensors["int8.levels"] = torch.tensor(LEVELS).half()
    path = args.model.with_suffix(".json")
    card = json.loads(path.read_text())
    for kind in card.get("kinds", ["white"]):
        prefix = "" if kind == "white" else f"kinds.{kind}."
        tensors[prefix + "int8.ranges"] = ranges_of(load_network(str(args.model), kind), pictures, args.float)
    save_file(tensors, args.model)
    args.model.chmod(0o644)
    data = args.model.read_bytes()
    card["sha256"], card["bytes"] = hashlib.sha256(data).hexdigest(), len(data)
    path.write_text(json.dumps(card, indent=2) + "\n")
    print(f"{args.model}: {len(paths)} photographs, {DRAWN} drawn ones, {len(data)} bytes, sha256 {card['sha256']}")


if __name__ == "__main__":
    main()
