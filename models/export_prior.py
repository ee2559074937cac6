#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns a checkpoint of train/train.py into the two files of a model: NAME.safetensors (fp16, EMA weights) and NAME.json.

A development tool: needs torch and safetensors. Run:
export_prior.py CHECKPOINT --eval PICTURES --hours "90 minutes on two CPU cores" [--name default] [--out models]
"""
import argparse
import hashlib
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent / "train"))
from network import load_network  # noqa: E402  (beside, in train/)
from quality import evaluate, pictures  # noqa: E402  (beside, in train/)

TRAINING = (
    "From scratch with models/train/train.py on about 1,570 third-party photographs (JPEG, not redistributed), noise levels log-normal and for "
    "half of the crops different from pixel to pixel; {hours}. No benchmark set was used (Kodak24, McMaster, CBSD68/BSD100, Set5, Set14, "
    "Urban100, Vid4)."
)


def figures(checkpoint, files, remark):
    """PSNR of the EMA weights as they are exported, by the seeds of quality.py."""
    net = load_network(checkpoint)
    return {
        "psnr_db": evaluate(net, files),
        "psnr_db_reduced_by_two": evaluate(net, files, 2),
        "set": f"{len(files)} photographs, {remark}",
    }


def card(name, cfg, weights, training, measured):
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
        "training": training,
        "figures": measured,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--name", default="default")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--eval", type=pathlib.Path, required=True, help="folder of held-out pictures, measured for the card")
    parser.add_argument("--remark", default="held out of training", help="about these pictures, for the card")
    parser.add_argument("--hours", required=True, help="how long it was trained and on what, for the card")
    args = parser.parse_args()

    checkpoint = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    tensors = {key: value.half().contiguous() for key, value in checkpoint["ema"].items()}
    for key, value in tensors.items():
        if not value.isfinite().all():
            raise SystemExit(f"{args.checkpoint}: tensor {key} is not finite in fp16")
    # Before anything is written: weights and card belong together.
    measured = figures(str(args.checkpoint), pictures(args.eval), args.remark)
    weights = args.out / f"{args.name}.safetensors"
    save_file(tensors, weights)
    weights.chmod(0o644)
    description = card(args.name, checkpoint["cfg"], weights, TRAINING.format(hours=args.hours), measured)
    (args.out / f"{args.name}.json").write_text(json.dumps(description, indent=2) + "\n")
    print(json.dumps(description["figures"], indent=2))
    print(f"{weights}: {description['bytes']} bytes, sha256 {description['sha256']}")


if __name__ == "__main__":
    main()
