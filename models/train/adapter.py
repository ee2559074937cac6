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
from network import UNet, adapts, load_start, precondition
from noises import quiet_level


class Pairs:
    """Shards of a folder, mapped into memory; looked for again while they are still being made."""

    def __init__(self, folder):
        self.folder, self.shards = pathlib.Path(folder), {}
        self.scan()

    def scan(self):
        for path in sorted(self.folder.glob("[0-9]*[0-9].npy")):
            if path not in self.shards:
                self.shards[path] = np.load(path, mmap_mode="r")
        if not self.shards:
            raise SystemExit(f"{self.folder} holds no pairs; make some with pairs.py")
        self.order = list(self.shards.values())

    def batch(self, n, rng):
        """noisy, clean (n,3,h,w) in [-1,1] and their quiet levels (n,1,1,1), with the 8 symmetries of the square."""
        noisy, clean, levels = [], [], []
        for _ in range(n):
            shard = self.order[rng.integers(len(self.order))]
            pair = shard[rng.integers(len(shard))].astype(np.float32)
            levels.append(quiet_level(*pair))
            for axis in (1, 2):
                pair = np.flip(pair, axis) if rng.random() < 0.5 else pair
            pair = pair.swapaxes(1, 2) if rng.random() < 0.5 else pair
            noisy.append(pair[0])
            clean.append(pair[1])
        tensor = lambda x: torch.from_numpy(np.ascontiguousarray(np.stack(x))).permute(0, 3, 1, 2) / 127.5 - 1
        return tensor(noisy), tensor(clean), torch.tensor(levels).view(n, 1, 1, 1) / 127.5


def told(noisy, clean, level, varies, rng):
    """The level that the network hears of: one a picture, or as the error's own varies, by half to twice."""
    wrong = np.exp(rng.uniform(math.log(0.7), math.log(1.5), level.shape))
    level = level * torch.from_numpy(wrong).float()
    if not varies:
        return level
    energy = F.avg_pool2d((noisy - clean).square().mean(1, keepdim=True), 31, 1, 15, count_include_pad=False).sqrt()
    return level * (energy / energy.mean((2, 3), keepdim=True)).clamp(0.5, 2)


def denoise(net, noisy, sigma):
    c_skip, c_out, c_in, c_noise = precondition(sigma)
    return c_skip * noisy + c_out * net((c_in * noisy).contiguous(memory_format=torch.channels_last), c_noise)


class Trainer:
    def __init__(self, args):
        self.args, self.steps, self.pixels = args, 0, 0
        start = load_start(args.init, "cpu")
        self.net, self.average = (UNet(**start["cfg"]).to(memory_format=torch.channels_last) for _ in range(2))
        for net in (self.net, self.average):
            net.load_state_dict(start["ema"])
        if args.resume:
            state = torch.load(args.resume, weights_only=True)
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

    def step(self, pairs, rng, fraction):
        for group in (g for o in self.optimizers for g in o.param_groups):
            group["lr"] = self.args.lr * min(1, (self.steps + 1) / 50) * min(1, (1 - fraction) / self.args.decay)
        half, total = self.args.batch // 2, 0.0
        for varies in (False, True):
            noisy, clean, level = pairs.batch(half, rng)
            sigma = told(noisy, clean, level, varies, rng)
            square = lambda x: x.square().mean((1, 2, 3))
            # Logarithms, since decibels are meant: else pairs whose error cannot be reduced by much would outweigh the others.
            left = square(denoise(self.net, noisy, sigma) - clean) + 0.02 * level.flatten().square()
            loss = 10 * torch.log10(left / square(noisy - clean))
            (loss.mean() / 2).backward()
            total += loss.mean().item() / 2
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
        half = lambda net: {k: v.detach().half() for k, v in net.state_dict().items() if adapts(k)}
        path = os.path.join(self.args.out, self.args.name + ".pt")
        state = {"kind": self.args.name, "steps": self.steps, "megapixels": self.pixels / 1e6, "ema": half(self.average), "net": half(self.net)}
        torch.save(state, path + ".tmp")
        os.replace(path + ".tmp", path)


@torch.no_grad()
def gain(net, pairs, count=40):
    """Mean gain in dB on held-out pairs, of camera pictures and of the other kinds; each told the level of its quiet half."""
    gains = ([], [])
    for k in range(min(count, len(pairs.order[0]))):
        noisy, clean = (torch.from_numpy(x.astype(np.float32)).permute(2, 0, 1)[None] / 127.5 - 1 for x in pairs.order[0][k])
        level = quiet_level(*pairs.order[0][k].astype(np.float32)) / 127.5
        error = lambda x: (x.clamp(-1, 1) - clean).square().mean().item()
        gains[k % 2].append(10 * math.log10(error(noisy) / error(denoise(net, noisy, torch.full((1, 1, 1, 1), level)))))
    return "gain on held-out pairs: camera {:.3f} dB, other kinds {:.3f} dB".format(*(sum(g) / len(g) for g in gains))


def arguments():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--pairs", required=True, help="folder of pairs.py's shards")
    parser.add_argument("--held", help="folder of a shard of other pictures, to report on")
    parser.add_argument("--out", required=True, help="folder for NAME.pt")
    parser.add_argument("--init", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../default.safetensors"), help="the model")
    parser.add_argument("--resume", help="NAME.pt of an earlier run")
    parser.add_argument("--name", default="camera", help="of the kind")
    parser.add_argument("--seconds", type=float, default=3600, help="of the processor's time, so that other work does not shorten the run")
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
    rng = np.random.default_rng(args.seed)
    trainer, pairs = Trainer(args), Pairs(args.pairs)
    held = Pairs(args.held) if args.held else None
    report = lambda: gain(trainer.average, held) if held else ""
    print(f"start {report()}", flush=True)
    start, last, mean = time.process_time(), time.time(), None
    while (elapsed := (time.process_time() - start) / args.threads) < args.seconds:
        loss = trainer.step(pairs, rng, elapsed / args.seconds)
        mean = loss if mean is None else 0.98 * mean + 0.02 * loss
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
