#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes torch_files/ beside this file: what torch.save makes of the things that people save, for tests/core/test_torch_files.cpp.
Needs torch; written with PyTorch 2.11."""
import argparse
import collections
import io
import os
import pathlib
import tarfile

import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent / "torch_files"


class Runs:
    def __reduce__(self):
        return os.system, ("touch /tmp/reddiff-was-here",)


def tensors():
    base = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    state = collections.OrderedDict(
        single=base + 0.5,
        half=torch.tensor([1.0, -4.0]).half(),
        brain=torch.tensor([3.140625]).bfloat16(),
        double=torch.tensor(0.1, dtype=torch.float64),
        counter=torch.tensor([7]),
        turned=base.t(),
        part=base[1:, 1:],
    )
    state["tied"] = state["single"]
    return state


def main():
    FOLDER.mkdir(exist_ok=True)
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.zeros(1, 1, 2, 2)).sum().backward()
    optimiser.step()
    small = {"module.a": torch.tensor([1.0, 2.0]), "module.b": torch.tensor([3.0])}
    other = {"module.a": torch.tensor([9.0, 9.0]), "module.b": torch.tensor([9.0])}
    things = {
        "state": tensors(),
        "module_state": net.state_dict(),
        "parameters": dict(net.named_parameters()),
        "wrapped": {"step": 70000, "loss": 0.25, "betas": (0.9, 0.99), "big": 1 << 40, "optimizer": optimiser.state_dict(), "model": other, "ema": small},
        "whole_module": net,
        "with_arguments": {"args": argparse.Namespace(lr=0.1), "model": small},
        "runs": {"model": small, "extra": Runs()},
        "no_tensors": {"model": {"lr": 0.1}},
        "a_list": [torch.zeros(2)],
        "not_finite": {"w": torch.tensor([1.0, float("nan")])},
        "expanded": {"w": torch.zeros(1).expand(1000, 1000)},
    }
    for name, thing in things.items():
        torch.save(thing, FOLDER / f"{name}.pt")
    torch.save(small, FOLDER / "before_1_6.pt", _use_new_zipfile_serialization=False)
    torch.save(small, FOLDER / "protocol_4.pt", pickle_protocol=4)
    with tarfile.open(FOLDER / "tar.pt", "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo("storages"), io.BytesIO())


if __name__ == "__main__":
    main()
