#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns a checkpoint of train/train.py into the two files of a model: NAME.safetensors (fp16, EMA weights) and NAME.json.

A development tool: needs torch and safetensors. Run: export_prior.py CHECKPOINT [--name default] [--out models]
"""
import argparse
import hashlib
import json
import pathlib

import torch
from safetensors.torch import save_file

FIGURES = {
    "psnr_db": {"15": 34.08, "25": 31.42, "50": 28.24},
    "set": "20 JPEG photographs that an earlier part of the training had seen",
    "remark": "Reduced by two, where compression is averaged away, the same photographs give 32.75, 30.04 and 26.78 dB. Weights that stood 0.09, 0.08 "
    "and 0.07 dB below these there stood 0.21, 0.27 and 0.28 dB below FFDNet on twelve uncompressed photographs.",
}
TRAINING = (
    "From scratch with models/train/train.py on about 1,570 third-party photographs (JPEG, not redistributed), crops of 96x96, noise "
    "levels log-normal and for half of the crops different from pixel to pixel. No benchmark set was used (Kodak24, McMaster, "
    "CBSD68/BSD100, Set5, Set14, Urban100, Vid4)."
)


def card(name, cfg, weights):
    data = weights.read_bytes()
    return {
        "format": 1,
        "name": name,
        "architecture": "conv-unet",
        "config": {key: cfg[key] for key in ("ch", "enc", "mid", "dec", "e")},
        "preconditioning": {"type": "edm", "sigma_data": 0.5},
        "range": [-1, 1],
        "sigma": [0.003, 5],
        "multiple_of": 2 ** len(cfg["ch"]),
        "per_pixel_sigma": True,
        "dtype": "float16",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "licence": "LGPL-2.1-or-later",
        "training": TRAINING,
        "figures": FIGURES,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--name", default="default")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--figures", type=pathlib.Path, help="JSON object of measured figures, instead of those of the first release")
    args = parser.parse_args()

    checkpoint = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    tensors = {key: value.half().contiguous() for key, value in checkpoint["ema"].items()}
    for key, value in tensors.items():
        if not value.isfinite().all():
            raise SystemExit(f"{args.checkpoint}: tensor {key} is not finite in fp16")
    weights = args.out / f"{args.name}.safetensors"
    save_file(tensors, weights)
    weights.chmod(0o644)
    description = card(args.name, checkpoint["cfg"], weights)
    if args.figures:
        description["figures"] = json.loads(args.figures.read_text())
    (args.out / f"{args.name}.json").write_text(json.dumps(description, indent=2) + "\n")
    print(f"{weights}: {description['bytes']} bytes, sha256 {description['sha256']}")


if __name__ == "__main__":
    main()
