#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes guided_reference.json and .safetensors beside this file: what PyTorch makes of small guided-diffusion networks, for
tests/core/test_guided.cpp. Needs torch, numpy and safetensors.

The weights are not stored: they are numbers of a hash, which the test makes again from the names and shapes in the JSON.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "models" / "train"))
from guided import Guided, Shape  # noqa: E402

# Every way of changing sizes, telling the level, sharing out heads, and both kinds of output.
NETWORKS = {
    "updown": Shape(multipliers=[1, 2], attention=[1], head_channels=16),
    "strided": Shape(blocks=2, attention=[0, 1], head_channels=32, new_attention_order=True, scale_shift=False, updown=False, learned_sigma=False),
    "narrow": Shape(channels=64, multipliers=[0.5, 1, 1.5], head_channels=48, new_attention_order=True),
    "plain": Shape(scale_shift=False, learned_sigma=False),
    "ddpm": Shape(scale_shift=False, updown=False, learned_sigma=False, new_attention_order=True, norm_epsilon=1e-6, frequency_shift=1, pads_after=True),
}


def scramble(h):
    h ^= h >> 16
    h = h * 0x85EBCA6B & 0xFFFFFFFF
    h ^= h >> 13
    h = h * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def hashed(name, shape):
    """Numbers in [-1, 1) that depend on the name and their place alone."""
    seed = 2166136261
    for letter in name.encode():
        seed = (seed ^ letter) * 16777619 & 0xFFFFFFFF
    place = np.arange(int(np.prod(shape)), dtype=np.uint64)
    values = scramble((place * 2654435761 ^ seed) & 0xFFFFFFFF) >> np.uint64(8)
    return torch.from_numpy((values.astype(np.float32) / np.float32(1 << 23) - 1).reshape(shape))


def weight(name, shape):
    values = hashed(name, shape)
    if len(shape) > 1:
        return values * float(np.float32(np.sqrt(3 / np.prod(shape[1:]))))
    return 1 + 0.25 * values if name.endswith("weight") else 0.25 * values


def main():
    torch.set_num_threads(1)
    shapes, tensors = {}, {"picture": hashed("picture", (2, 3, 16, 24)), "steps": torch.tensor([3.75, 612.0])}
    for name, shape in NETWORKS.items():
        net = Guided(shape)
        state = {key: weight(key, tuple(value.shape)) for key, value in net.state_dict().items()}
        net.load_state_dict(state)
        net.double()
        with torch.no_grad():
            tensors[name] = net(tensors["picture"].double(), tensors["steps"].double()).float().contiguous()
        shapes[name] = {"shape": shape.dict(), "tensors": {key: list(value.shape) for key, value in state.items()}}
    save_file(tensors, HERE / "guided_reference.safetensors")
    (HERE / "guided_reference.json").write_text(json.dumps(shapes) + "\n")


if __name__ == "__main__":
    main()
