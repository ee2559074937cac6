#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trains the default denoising prior (network.py), on a CPU or a GPU.

Optimiser: Muon for the convolutions inside, AdamW for the rest. Learning rate: warm-up, constant, then to zero in the last part
(--decay). The loss is on all noise levels, and for half of the crops the level varies over the picture: the video filter needs it.

Run: train.py --data DIR --out DIR --seconds N [--eval DIR] [--init FILE] [--cpu]        (README.md says more)
"""
import argparse
import os
import time

import torch
from torch import nn

import fast_block
from crops import Pool
from levels import sigma_maps
from muon import Muon
from network import UNet, load_start, precondition
from quality import evaluate, pictures


class Trainer:
    def __init__(self, args, device):
        self.args, self.device, self.steps = args, device, 0
        start = load_start(args.init, device) if args.init else {"cfg": {}}
        numbers = lambda text: tuple(map(int, text.split(",")))
        asked = {"ch": args.ch, "enc": args.enc, "mid": args.mid, "dec": args.dec}
        cfg = start["cfg"] | {k: v if isinstance(v, int) else numbers(v) for k, v in asked.items() if v is not None}
        self.net = UNet(**cfg).to(device).to(memory_format=torch.channels_last)
        self.ema = UNet(**cfg).to(device).to(memory_format=torch.channels_last)
        if args.init:
            self.net.load(start.get("net", start["ema"]))
        self.ema.load_state_dict(self.net.state_dict())
        if args.init:
            self.ema.load(start["ema"])
        outer = ("head", "tail", "emb")
        inner = [p for k, p in self.net.named_parameters() if p.ndim == 4 and min(p.shape[:2]) > 16 and not k.startswith(outer)]
        ids = {id(p) for p in inner}
        rest = [p for p in self.net.parameters() if id(p) not in ids]
        self.optimizers = [Muon(inner, args.lr), torch.optim.AdamW(rest, lr=args.lr, betas=(0.9, 0.99), weight_decay=0)]
        self.forward = torch.compile(self.net) if args.compile else self.net
        print(f"{sum(p.numel() for p in self.net.parameters()) / 1e6:.2f} million parameters", flush=True)

    def backward(self, clean, sigma):
        """Gradients of the sum of the crops' losses, which it returns."""
        c_skip, c_out, c_in, c_noise = precondition(sigma)
        noisy = clean + sigma * torch.randn_like(clean)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.args.bfloat16 or self.device == "cuda"):
            f = self.forward((c_in * noisy).contiguous(memory_format=torch.channels_last), c_noise)
        loss = (f.float() - (clean - c_skip * noisy) / c_out).square().mean((1, 2, 3)).sum()
        (loss / self.args.batch).backward()
        return loss.detach()

    def step(self, clean, sigma, fraction):
        """One update: each of the first half of the crops has one noise level. `fraction` of the run is over. Returns the loss, still
        on the device: reading it would wait for it."""
        decay = self.args.decay
        lr = self.args.lr * min(1, (self.steps + 1) / 100) * (1 if fraction < 1 - decay else max(0.0, (1 - fraction) / decay))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = lr
        # A level that is the same everywhere costs a quarter less than a map of it.
        half = len(clean) // 2
        parts = (clean[:half], sigma[:half, :, :1, :1]), (clean[half:], sigma[half:])
        loss = sum(self.backward(*part) for part in parts if len(part[0])) / len(clean)
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        keep = self.args.ema if self.args.init else min(self.args.ema, self.steps / (self.steps + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.parameters()), list(self.net.parameters()), 1 - keep)
        return loss

    def save(self):
        half = lambda module: {k: v.detach().half().cpu() for k, v in module.state_dict().items()}
        path = os.path.join(self.args.out, self.args.name + ".pt")
        torch.save({"cfg": self.net.cfg, "ema": half(self.ema), "net": half(self.net), "steps": self.steps}, path + ".tmp")
        os.replace(path + ".tmp", path)


def arguments():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", required=True, help="folder of training pictures, searched recursively")
    parser.add_argument("--out", required=True, help="folder for NAME.pt")
    parser.add_argument("--eval", help="folder of pictures to report PSNR on")
    parser.add_argument("--init", help="checkpoint (.pt) or model (.safetensors) to continue from")
    parser.add_argument("--name", default="prior")
    parser.add_argument("--seconds", type=float, default=60, help="length of the run")
    parser.add_argument("--ch", help="channels per level, finest first; at least those of --init, else 32,64,128,192")
    parser.add_argument("--enc", help="residual blocks per level on the way down; at least those of --init, else 2,3,1")
    parser.add_argument("--mid", type=int, help="residual blocks on the coarsest level; likewise, else 2")
    parser.add_argument("--dec", help="residual blocks per level on the way up, coarsest first; likewise, else 2,3,3")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--crop", type=int, default=96, help="pixels a side, a multiple of 2 for every level: 16 for four")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--mean", type=float, default=-1.8, help="of log sigma")
    parser.add_argument("--deviation", type=float, default=1.3, help="of log sigma")
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--decay", type=float, default=0.0, help="last part of the run in which the learning rate falls to zero")
    parser.add_argument("--every", type=float, default=300, help="seconds between reports and checkpoints")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: torch's choice")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--bfloat16", action="store_true", help="convolutions in bfloat16, as always on a GPU: for CPUs with AMX")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--winograd", action="store_true", help="faster float32 convolutions (fast_block.py): for CPUs without AMX")
    args = parser.parse_args()
    if args.winograd and (not args.cpu or args.bfloat16 or args.compile):
        parser.error("--winograd goes with --cpu, without --bfloat16 and --compile")
    return args


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    device = "cpu" if args.cpu else "cuda"
    torch.manual_seed(int(time.time()) if args.seed is None else args.seed)
    torch.backends.cudnn.benchmark = True
    torch.set_flush_denormal(True)  # without it a CPU run slows down to a fifth within the hour
    if args.threads:
        torch.set_num_threads(args.threads)
    files = pictures(args.eval) if args.eval else []
    if args.winograd:
        fast_block.install()
    trainer = Trainer(args, device)
    pool = Pool(args.data, device, args.crop)
    report = lambda: f"{evaluate(trainer.ema, files)}, reduced by two {evaluate(trainer.ema, files, 2)}" if files else ""
    start = last = time.time()
    mean_loss = None
    while (elapsed := time.time() - start) < args.seconds:
        sigma = sigma_maps(args.batch, args.crop, device, args.mean, args.deviation)
        loss = trainer.step(pool.batch(args.batch), sigma, elapsed / args.seconds)
        mean_loss = loss if mean_loss is None else mean_loss.lerp(loss, 0.002)
        if time.time() - last > args.every:
            last = time.time()
            speed = trainer.steps * args.batch * args.crop**2 / 1e6 / elapsed
            trainer.save()
            print(f"{trainer.steps} steps {elapsed:.0f} s loss {mean_loss:.4f} {speed:.3f} megapixels/s {report()}", flush=True)
    trainer.save()
    print(f"end {trainer.steps} {report()}", flush=True)


if __name__ == "__main__":
    main()
