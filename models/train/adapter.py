#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Teaches a model another kind of error than white noise: a second set of its small tensors (head, tail, level's embedding and FiLM)
on the same convolutions, which stay as they are. So what it makes of white noise does not change.

It trains on pairs.py's pairs. The level told is the error's RMS where the picture is quiet, times .7 to 1.5, since it will be an estimate; for half
of the pairs it varies over the picture. The loss of a pair is what is left of its error, in dB.

Run: adapter.py --pairs DIR --out DIR --seconds N [--held DIR] [--init ../default.safetensors] [--resume OUT/camera.pt]
Then: ../evaluate_kinds.py PICTURES --adapter OUT/camera.pt and ../export_kind.py OUT/camera.pt --training "..."
"""
import argparse
import math
import os
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F

import fast_block
from muon import Muon
from network import UNet, adapts, denoise, load_start


class Pairs:
    """All shards of a folder with their levels, on the device; looked for again while they are still being made."""

    def __init__(self, folder, device):
        self.folder, self.device, self.names = pathlib.Path(folder), device, set()
        self.pairs, self.levels = torch.empty(0), torch.empty(0)
        self.scan()

    def scan(self):
        new = [path for path in sorted(self.folder.glob("[0-9]*[0-9].npy")) if path not in self.names]
        if not new and not self.names:
            raise SystemExit(f"{self.folder} holds no pairs; make some with pairs.py or codec.py")
        read = lambda path: torch.from_numpy(np.load(path)).to(self.device)
        joined = lambda own, parts: torch.cat([own, *parts] if len(own) else parts) if parts else own
        self.pairs = joined(self.pairs, [read(path) for path in new])
        self.levels = joined(self.levels, [read(path.with_suffix(".levels.npy")) for path in new])
        self.names.update(new)

    def at(self, index):
        """noisy, clean (n,3,h,w) in [-1,1] and the levels (n,1,1,1) that go with them."""
        both = self.pairs[index].float().permute(1, 0, 4, 2, 3) / 127.5 - 1
        return *both, self.levels[index].view(-1, 1, 1, 1) / 127.5

    def batch(self, n):
        """n pairs at random, all in one of the 8 symmetries of the square."""
        noisy, clean, level = self.at(torch.randint(len(self.pairs), (n,)).to(self.device))
        flips, turned = [2 + k for k in range(2) if torch.rand(()) < 0.5], torch.rand(()) < 0.5
        moved = lambda x: x.flip(flips).mT if turned else x.flip(flips)
        return moved(noisy), moved(clean), level


def told(noisy, clean, level, varies):
    """The level that the network hears of: one a picture, or as the error's own varies, by half to twice."""
    level = level * torch.empty_like(level).uniform_(math.log(0.7), math.log(1.5)).exp()
    if not varies:
        return level
    energy = F.avg_pool2d((noisy - clean).square().mean(1, keepdim=True), 31, 1, 15, count_include_pad=False).sqrt()
    return level * (energy / (energy.mean((2, 3), keepdim=True) + 1e-6)).clamp(0.5, 2)


class Trainer:
    def __init__(self, args):
        self.args, self.steps, self.pixels = args, 0, 0
        start = load_start(args.init, args.device)
        self.net, self.average = (UNet(**start["cfg"]).to(args.device, memory_format=torch.channels_last) for _ in range(2))
        for net in (self.net, self.average):
            net.load_state_dict(start["ema"])
        if args.resume:
            state = torch.load(args.resume, map_location=args.device, weights_only=True)
            self.net.load_state_dict(start["ema"] | state["net"])
            self.average.load_state_dict(start["ema"] | state["ema"])
            self.steps, self.pixels = state["steps"], state["megapixels"] * 1e6
        for name, parameter in self.net.named_parameters():
            parameter.requires_grad_(adapts(name))
        self.trained = [p for p in self.net.parameters() if p.requires_grad]
        self.averaged = [q for q, p in zip(self.average.parameters(), self.net.parameters()) if p.requires_grad]
        film = [p for name, p in self.net.named_parameters() if ".film.weight" in name]
        ids = {id(p) for p in film}
        rest = [p for p in self.trained if id(p) not in ids]
        self.optimizers = [Muon(film, args.lr), torch.optim.AdamW(rest, lr=args.lr, betas=(0.9, 0.99), weight_decay=0)]
        print(f"{sum(p.numel() for p in self.trained)} of {sum(p.numel() for p in self.net.parameters())} weights are trained", flush=True)

    def step(self, pairs, fraction):
        """One update. Returns the loss in dB, still on the device: reading it would wait for it."""
        for group in (g for o in self.optimizers for g in o.param_groups):
            group["lr"] = self.args.lr * min(1, (self.steps + 1) / 50) * min(1, (1 - fraction) / self.args.decay)
        half, total = self.args.batch // 2, 0.0
        for varies in (False, True):
            noisy, clean, level = pairs.batch(half)
            sigma = told(noisy, clean, level, varies)
            square = lambda x: x.square().mean((1, 2, 3))
            # Logarithms, since decibels are meant: else pairs whose error cannot be reduced by much would outweigh the others.
            left = square(denoise(self.net, noisy, sigma) - clean) + 0.02 * level.flatten().square()
            loss = 10 * torch.log10(left / (square(noisy - clean) + 1e-8)).mean() / 2
            loss.backward()
            total += loss.detach()
            self.pixels += noisy[:, 0].numel()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        with torch.no_grad():
            torch._foreach_lerp_(self.averaged, self.trained, 1 - min(self.args.ema, self.steps / (self.steps + 10)))
        return total

    def save(self):
        half = lambda net: {k: v.detach().half().cpu() for k, v in net.state_dict().items() if adapts(k)}
        path = os.path.join(self.args.out, self.args.name + ".pt")
        state = {"kind": self.args.name, "steps": self.steps, "megapixels": self.pixels / 1e6, "ema": half(self.average), "net": half(self.net)}
        torch.save(state, path + ".tmp")
        os.replace(path + ".tmp", path)


@torch.no_grad()
def gain(net, pairs, most=200):
    """Mean gain in dB on held-out pairs, each told its level; of the pairs with an even number (in pairs.py's shards a camera's) and an odd one."""
    gains = []
    for k in range(min(most, len(pairs.pairs))):
        noisy, clean, level = pairs.at(torch.tensor([k], device=pairs.device))
        error = lambda x: (x.clamp(-1, 1) - clean).square().mean() + 1e-8
        gains.append(10 * torch.log10(error(noisy) / error(denoise(net, noisy, level))))
    even, odd = (torch.stack(gains[k::2]).mean().item() for k in range(2))
    return f"gain on held-out pairs: even {even:.3f} dB, odd {odd:.3f} dB"


def arguments():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--pairs", required=True, help="folder of pairs.py's shards")
    parser.add_argument("--held", help="folder of a shard of other pictures, to report on")
    parser.add_argument("--out", required=True, help="folder for NAME.pt")
    parser.add_argument("--init", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../default.safetensors"), help="the model")
    parser.add_argument("--resume", help="NAME.pt of an earlier run")
    parser.add_argument("--name", default="camera", help="of the kind")
    parser.add_argument("--seconds", type=float, default=3600, help="on a CPU of the processor's time, so that other work does not shorten the run")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--ema", type=float, default=0.99)
    parser.add_argument("--decay", type=float, default=0.8, help="last part of the run in which the learning rate falls to zero")
    parser.add_argument("--every", type=float, default=300, help="wall-clock seconds between reports and checkpoints")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--winograd", action="store_true", help="faster float32 convolutions (fast_block.py)")
    return parser.parse_args()


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    torch.set_flush_denormal(True)  # without it a CPU run slows down to a fifth within the hour
    torch.set_num_threads(args.threads)
    if args.winograd:
        fast_block.install()
    torch.manual_seed(args.seed)
    torch.backends.cudnn.benchmark = True
    trainer, pairs = Trainer(args), Pairs(args.pairs, args.device)
    held = Pairs(args.held, args.device) if args.held else None
    report = lambda: gain(trainer.average, held) if held else ""
    print(f"start {report()}", flush=True)
    clock = time.time if args.device == "cuda" else lambda: time.process_time() / args.threads
    start, last, mean = clock(), time.time(), None
    while (elapsed := clock() - start) < args.seconds:
        loss = trainer.step(pairs, elapsed / args.seconds)
        mean = loss if mean is None else mean.lerp(loss, 0.02)
        if trainer.steps in (3, 20):
            print(f"{trainer.steps} steps {elapsed:.0f} s loss {mean:.3f} dB", flush=True)
        if time.time() - last > args.every:
            last = time.time()
            trainer.save()
            pairs.scan()
            print(f"{trainer.steps} steps, {trainer.pixels / 1e6:.0f} megapixels, {elapsed:.0f} s, loss {mean:.3f} dB, {report()}", flush=True)
    trainer.save()
    print(f"end {trainer.steps} steps, {trainer.pixels / 1e6:.0f} megapixels, {report()}", flush=True)


if __name__ == "__main__":
    main()
