#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each residual block of a network is worth: PSNR lost when it is left out, without any training after. With --drop: the checkpoint
without some of its blocks, to be trained on by train.py --init; what it adds again starts as an identity.

Blocks are named as in the network: enc.LEVEL.N, dec.LEVEL.N (level 0 is the finest), mid.N.
Run: blocks.py CHECKPOINT --eval PICTURES, or blocks.py CHECKPOINT --drop enc.2.0,mid.1 --out SMALLER.pt
"""
import argparse
import re

import torch

from network import load_network, load_start
from quality import evaluate, pictures

BLOCK = re.compile(r"((?:enc|dec)\.\d+|mid)\.(\d+)\.")
LEVELS = (15, 50)


def blocks_of(names):
    """{list of blocks: their numbers}, in order."""
    found = {}
    for match in filter(None, map(BLOCK.match, names)):
        found.setdefault(match[1], set()).add(int(match[2]))
    return {place: sorted(numbers) for place, numbers in found.items()}


def print_worth(net, files, reduction):
    whole = evaluate(net, files, reduction, LEVELS)
    print(f"whole {whole}", flush=True)
    for place, numbers in blocks_of(net.state_dict()).items():
        for number in numbers:
            weight = net.get_parameter(f"{place}.{number}.conv2.weight")
            kept = weight.detach().clone()
            weight.data.zero_()
            without = evaluate(net, files, reduction, LEVELS)
            weight.data.copy_(kept)
            print(f"{place}.{number} {({level: round(whole[level] - without[level], 3) for level in LEVELS})}", flush=True)


def dropped(state, drop, steps):
    """The same weights without the blocks `drop`, the ones after them moved up. `steps`: down from the finest level."""
    there = blocks_of(state)
    every = [f"{side}.{i}" for side in ("enc", "dec") for i in range(steps)] + ["mid"]
    places = {place: [n for n in there.get(place, []) if f"{place}.{n}" not in drop] for place in every}
    kept = {}
    for key, value in state.items():
        if match := BLOCK.match(key):
            place, number = match[1], int(match[2])
            if number not in places[place]:
                continue
            key = f"{place}.{places[place].index(number)}.{key[match.end():]}"
        kept[key] = value
    count = lambda place: len(places[place])
    return kept, {
        "enc": [count(f"enc.{i}") for i in range(steps)],
        "mid": count("mid"),
        "dec": [count(f"dec.{i}") for i in reversed(range(steps))],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", help="of train.py (.pt), or a model (.safetensors)")
    parser.add_argument("--eval", help="folder of pictures")
    parser.add_argument("--reduce", type=int, default=2, help="what the pictures are reduced by")
    parser.add_argument("--drop", default="", help="blocks, comma-separated")
    parser.add_argument("--out", help="checkpoint to write")
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args()
    if not args.out and (args.drop or not args.eval):
        parser.error("give --eval to measure the blocks, or --out for the checkpoint to write")
    torch.set_flush_denormal(True)
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.eval:
        print_worth(load_network(args.checkpoint), pictures(args.eval), args.reduce)
    if args.out:
        start = load_start(args.checkpoint, "cpu")
        drop = set(filter(None, args.drop.split(",")))
        there = {f"{place}.{number}" for place, numbers in blocks_of(start["ema"]).items() for number in numbers}
        if unknown := drop - there:
            raise SystemExit(f"no block {', '.join(sorted(unknown))}; there are {', '.join(sorted(there))}")
        ema, counts = dropped(start["ema"], drop, len(start["cfg"]["ch"]) - 1)
        torch.save({"cfg": start["cfg"] | counts, "ema": ema, "steps": 0}, args.out)
        print(f"{args.out}: {counts}")


if __name__ == "__main__":
    main()
