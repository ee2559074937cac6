#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes what PyTorch makes of an exported model: the tensors that tests/core/test_priors.cpp holds the C++ network against.

Two small pictures (one whose sides are multiples of 16, one whose are not), each at one noise level and at levels that vary from
pixel to pixel; one for every other kind of error that the model knows. Run it again whenever the weights change: the test compares the weights' SHA-256 with the one stored here.

A development tool: needs torch and safetensors. Run: export_reference.py [--model models/default.safetensors]
"""
import argparse
import hashlib
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent / "train"))
from network import denoise, load_network  # noqa: E402  (beside, in train/)

SIZES = {"aligned": (32, 48), "odd": (37, 27)}


def picture(height, width, generator):
    """Smooth colours, an edge and a texture, so that every part of the network has something to do; values in [-1, 1]."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    base = torch.stack([torch.sin(5 * x + 2 * y), torch.cos(4 * y - x), torch.sin(7 * x * y)])[None] * 0.6
    base = base + 0.3 * (x + y > 1).float() + 0.1 * torch.sign(torch.sin(40 * x))
    return base.clamp(-1, 1), torch.randn(1, 3, height, width, generator=generator)


def levels(height, width):
    """From 0.003 to 2 along the diagonal, with a jump."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    return (10 ** (-2.5 + 2.0 * (x + y) / 2 + 0.8 * (x > y).float()))[None, None]


def mirrored(x, grid):
    """x, its mirror image, x and so on, up to a multiple of `grid`."""
    for axis in (2, 3):
        n = x.shape[axis]
        place = torch.arange(n + -n % grid) % (2 * n)
        x = x.index_select(axis, torch.minimum(place, 2 * n - 1 - place))
    return x


@torch.no_grad()
def denoise_any_size(net, noisy, sigma):
    """The network with what the plugin does around it: mirrored borders up to whole pixels of its coarsest level."""
    height, width = noisy.shape[2:]
    grid = 2 ** len(net.cfg["ch"])
    level = mirrored(sigma, grid) if sigma.shape[-1] > 1 else sigma
    return denoise(net, mirrored(noisy, grid), level)[:, :, :height, :width]


def main():
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, default=here / "default.safetensors")
    parser.add_argument("--out", type=pathlib.Path, default=here / "reference")
    args = parser.parse_args()

    net = load_network(str(args.model))
    generator = torch.Generator().manual_seed(7)
    out = {}
    for name, (height, width) in SIZES.items():
        clean, noise = picture(height, width, generator)
        maps = {"uniform": torch.full((1, 1, 1, 1), 0.2), "varying": levels(height, width)}
        for kind, sigma in maps.items():
            noisy = clean + sigma * noise
            out[f"{name}.{kind}.input"] = noisy
            out[f"{name}.{kind}.sigma"] = sigma
            out[f"{name}.{kind}.output"] = denoise_any_size(net, noisy, sigma)
    kinds = json.loads(args.model.with_suffix(".json").read_text()).get("kinds", ["white"])
    for kind in kinds:
        if kind != "white":
            noisy, sigma = (out[f"aligned.varying.{part}"] for part in ("input", "sigma"))
            out[f"kinds.{kind}.output"] = denoise_any_size(load_network(str(args.model), kind), noisy, sigma)
    path = args.out / f"{args.model.stem}.safetensors"
    if path.resolve() == args.model.resolve():
        raise SystemExit("--out must be another folder than the model's")
    args.out.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in out.items()}, path)
    path.chmod(0o644)
    path.with_suffix(".sha256").write_text(hashlib.sha256(args.model.read_bytes()).hexdigest() + "\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
