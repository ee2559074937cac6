#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds what train/adapter.py has learnt to a model: the small tensors of another kind of error, under kinds.KIND., and its card's `kinds`.

All other tensors stay as they are. Run export_reference.py afterwards. A development tool: needs torch and safetensors. Run:
export_kind.py CHECKPOINT --training "1,800 steps of 16 pairs" [--model default.safetensors]
"""
import argparse
import hashlib
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(pathlib.Path(__file__).parent / "train"))
from network import adapts  # noqa: E402  (beside, in train/)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path(__file__).parent / "default.safetensors")
    parser.add_argument("--training", required=True, help="what it was trained on and how long, for the card")
    args = parser.parse_args()

    checkpoint = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    kind = checkpoint["kind"]
    prefix = f"kinds.{kind}."
    tensors = {key: value for key, value in load_file(args.model).items() if not key.startswith(prefix)}
    for key in [key for key in tensors if adapts(key) and not key.startswith("kinds.")]:
        value = checkpoint["ema"][key].half().contiguous()
        if value.shape != tensors[key].shape or not value.isfinite().all():
            raise SystemExit(f"{args.checkpoint}: tensor {key} is not finite in fp16, or belongs to another network")
        tensors[prefix + key] = value
    save_file(tensors, args.model)
    args.model.chmod(0o644)
    path = args.model.with_suffix(".json")
    data, card = args.model.read_bytes(), json.loads(path.read_text())
    card["sha256"], card["bytes"] = hashlib.sha256(data).hexdigest(), len(data)
    card["kinds"] = sorted({"white", kind, *card.get("kinds", [])}, key=lambda name: (name != "white", name))
    card["training_of_kinds"] = card.get("training_of_kinds", {}) | {kind: args.training}
    path.write_text(json.dumps(card, indent=2) + "\n")
    print(f"{args.model}: kinds {', '.join(card['kinds'])}, {len(data)} bytes, sha256 {card['sha256']}")


if __name__ == "__main__":
    main()
