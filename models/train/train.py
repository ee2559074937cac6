#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defines and trains the default denoising prior, on a CPU or a GPU.

The prior is an EDM-preconditioned residual U-Net on 2x2 pixel-unshuffled RGB, conditioned on a noise level that may differ from
pixel to pixel: D(x, sigma) ~ E[clean | x = clean + sigma * n], x in [-1, 1], sigma in the same units, (B,1,1,1) or (B,1,H,W).

Optimiser: Muon for the convolutions inside, AdamW for the rest. Learning rate: warm-up, constant, then to zero in the last part
(--decay). The loss is on all noise levels, and for half of the crops the level varies over the picture: the video filter needs it.

Run: train.py --data DIR --out DIR --seconds N [--eval DIR] [--init FILE] [--cpu]        (README.md says more)
"""
import argparse
import glob
import json
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

SIGMA_DATA = 0.5
SIGMA_RANGE = (0.003, 60.0)
# Full-size JPEG teaches its own artefacts; reduced copies have them averaged away, so they are drawn more often.
SCALES = {1.0: 0.25, 0.66: 1.0, 0.5: 1.0, 0.44: 1.0}
EXTENSIONS = (".jpg", ".jpeg", ".webp", ".png")


class Block(nn.Module):
    """x + conv2(relu(conv1(x) * (1 + g) + b)), with g and b from the noise level's embedding."""

    def __init__(self, channels, e):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.film = nn.Conv2d(e, 2 * channels, 1)
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)
        self.conv2.weight.data.mul_(0.1)

    def forward(self, x, emb):
        g, b = self.film(emb).chunk(2, 1)
        return x + self.conv2(F.relu(self.conv1(x) * (1 + g) + b))


class UNet(nn.Module):
    def __init__(self, ch=(32, 64, 128, 192), enc=(2, 3, 1), mid=2, dec=(2, 3, 3), e=64):
        super().__init__()
        self.cfg = {"ch": list(ch), "enc": list(enc), "mid": mid, "dec": list(dec), "e": e}
        self.register_buffer("freq", torch.exp(torch.linspace(math.log(0.5), math.log(16.0), 16)))
        self.emb1 = nn.Conv2d(32, e, 1)
        self.emb2 = nn.Conv2d(e, e, 1)
        steps = len(ch) - 1
        blocks = lambda count, c: nn.ModuleList([Block(c, e) for _ in range(count)])
        self.head = nn.Conv2d(12, ch[0], 3, padding=1)
        self.enc = nn.ModuleList([blocks(enc[i], ch[i]) for i in range(steps)])
        self.down = nn.ModuleList([nn.Conv2d(ch[i], ch[i + 1], 2, 2, bias=False) for i in range(steps)])
        self.mid = blocks(mid, ch[-1])
        self.up = nn.ModuleList([nn.Conv2d(ch[i + 1], 4 * ch[i], 1, bias=False) for i in range(steps)])
        self.dec = nn.ModuleList([blocks(dec[steps - 1 - i], ch[i]) for i in range(steps)])
        self.tail = nn.Conv2d(ch[0], 12, 3, padding=1)
        self.tail.weight.data.mul_(0.1)
        self.tail.bias.data.zero_()

    def load(self, state):
        """Weights of a network with as many channels and no more blocks. Blocks that it lacks start as identities."""
        own = self.state_dict()
        missing = [key for key in own if key not in state]
        unfit = [key for key in state if key not in own or own[key].shape != state[key].shape]
        unfit += [key for key in missing if len(key.split(".")) < 4 and not key.startswith("mid.")]
        if unfit:
            raise SystemExit(f"the weights to start from do not fit, channels stay and blocks are only added: {', '.join(unfit[:4])} ...")
        self.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
        for key in missing:
            if ".conv2." in key:
                nn.init.zeros_(self.get_parameter(key))

    def embed(self, c):
        angle = c * self.freq[None, :, None, None]
        return F.relu(self.emb2(F.relu(self.emb1(torch.cat([angle.cos(), angle.sin()], 1)))))

    def forward(self, x, c):
        """x: (B,3,H,W), H and W multiples of 2^levels; c = log(sigma)/4, (B,1,1,1) or (B,1,H,W)."""
        steps = len(self.down)
        if c.shape[-1] == 1:
            embs = [self.embed(c)] * (steps + 1)
        else:
            embs = [self.embed(F.avg_pool2d(c, 2 << i)) for i in range(steps + 1)]
        h = self.head(F.pixel_unshuffle(x, 2))
        skips = []
        for i in range(steps):
            for block in self.enc[i]:
                h = block(h, embs[i])
            skips.append(h)
            h = self.down[i](h)
        for block in self.mid:
            h = block(h, embs[steps])
        for i in reversed(range(steps)):
            h = F.pixel_shuffle(self.up[i](h), 2) + skips[i]
            for block in self.dec[i]:
                h = block(h, embs[i])
        return F.pixel_shuffle(self.tail(h), 2)


def precondition(sigma):
    """EDM's c_skip, c_out, c_in and the network's idea of the level."""
    v = sigma**2 + SIGMA_DATA**2
    return SIGMA_DATA**2 / v, sigma * SIGMA_DATA / v.sqrt(), 1 / v.sqrt(), sigma.log() / 4


def denoise(net, x, sigma):
    """x: (B,3,H,W) = clean in [-1,1] + noise of deviation sigma; sigma: (B,1,1,1) or (B,1,H,W)."""
    c_skip, c_out, c_in, c_noise = precondition(sigma.float())
    with torch.autocast(x.device.type, torch.bfloat16, enabled=x.is_cuda):
        f = net((c_in * x).contiguous(memory_format=torch.channels_last), c_noise)
    return c_skip * x + c_out * f.float()


class Muon(torch.optim.Optimizer):
    """Keller Jordan's Muon: momentum, made orthogonal by five Newton-Schulz iterations on the weights flattened to
    (out, in*k*k). Updates are scaled to AdamW's size, so that the learning rate is about AdamW's. Weights of one shape are
    iterated together: on a GPU one at a time would cost more than the rest of the step."""

    def __init__(self, params, lr, momentum=0.95):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for p in group["params"]:
                shapes.setdefault(p.shape, []).append(p)
            for shape, params in shapes.items():
                gradients = [p.grad for p in params]
                averages = [self.state[p].setdefault("m", torch.zeros_like(p)) for p in params]
                torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
                x = torch.stack(torch._foreach_lerp(gradients, averages, group["momentum"])).flatten(2)
                tall = x.shape[1] > x.shape[2]
                x = x.mT if tall else x
                x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
                if x.is_cuda:
                    x = x.bfloat16()
                for _ in range(5):
                    a = x @ x.mT
                    x = 3.4445 * x + (2.0315 * a @ a - 4.7750 * a) @ x
                updates = (x.mT if tall else x).float().reshape(len(params), *shape)
                torch._foreach_add_(params, list(updates), alpha=-group["lr"] * 0.2 * math.sqrt(max(x.shape[1:])))


class Pool:
    """Every training picture at every scale in one flat uint8 buffer; crops with the 8 symmetries of the square. A picture is
    drawn in proportion to its area times its scale's weight."""

    def __init__(self, root, device, crop):
        self.crop, self.device = crop, device
        files = sorted(f for f in glob.glob(root + "/**/*", recursive=True) if f.lower().endswith(EXTENSIONS))
        if not files:
            raise SystemExit(f"{root} holds no pictures ({', '.join(EXTENSIONS)})")
        with ThreadPoolExecutor() as executor:
            pictures = list(executor.map(lambda f: np.array(Image.open(f).convert("RGB")), files))
        buffers, offset, rows = [], 0, []
        for picture in pictures:
            full = torch.from_numpy(picture).to(device).permute(2, 0, 1)
            for scale, weight in SCALES.items():
                reduced = self.reduce(full, scale)
                h, w = reduced.shape[1:]
                if min(h, w) < crop:
                    continue
                buffers.append(reduced.reshape(-1))
                rows.append((offset, h, w, weight * h * w))
                offset += reduced.numel()
        if not rows:
            raise SystemExit(f"every picture in {root} is smaller than a crop of {crop} pixels")
        self.buffer = torch.cat(buffers)
        table = torch.tensor(rows, dtype=torch.float64, device=device)
        self.offset, self.height, self.width = table[:, 0].long(), table[:, 1].long(), table[:, 2].long()
        self.cumulative = torch.cumsum(table[:, 3] / table[:, 3].sum(), 0)
        self.line = torch.arange(crop, device=device)
        print(f"pool: {len(files)} files, {len(rows)} pictures, {offset / 3e6:.0f} megapixels", flush=True)

    @staticmethod
    def reduce(full, scale):
        if scale == 1.0:
            return full
        size = [round(n * scale) for n in full.shape[1:]]
        reduced = F.interpolate(full[None].float(), size, mode="bicubic", antialias=True, align_corners=False)[0]
        return reduced.clamp(0, 255).round().to(torch.uint8)

    def batch(self, n):
        """(n,3,crop,crop) in [-1,1]; one in 25 is grey."""
        device, crop = self.device, self.crop
        draw = torch.rand(n, device=device, dtype=torch.float64)
        i = torch.searchsorted(self.cumulative, draw).clamp_(max=len(self.offset) - 1)
        h, w = self.height[i], self.width[i]
        top = torch.minimum((torch.rand(n, device=device) * (h - crop + 1)).long(), h - crop)
        left = torch.minimum((torch.rand(n, device=device) * (w - crop + 1)).long(), w - crop)
        each = lambda t: t[:, None, None]
        flip_y, flip_x, transpose = (each(t) for t in torch.rand(3, n, device=device) < 0.5)
        y = torch.where(transpose, self.line[None, None, :], self.line[None, :, None])
        x = torch.where(transpose, self.line[None, :, None], self.line[None, None, :])
        y = torch.where(flip_y, crop - 1 - y, y)
        x = torch.where(flip_x, crop - 1 - x, x)
        position = each(self.offset[i]) + (each(top) + y) * each(w) + each(left) + x
        plane = torch.arange(3, device=device)[None, :] * (h * w)[:, None]
        crops = self.buffer[position[:, None] + plane[:, :, None, None]].float() / 127.5 - 1
        luma = torch.tensor([0.299, 0.587, 0.114], device=device)[None, :, None, None]
        gray = (torch.rand(n, device=device) < 0.04)[:, None, None, None]
        return torch.where(gray, (crops * luma).sum(1, keepdim=True).expand_as(crops), crops)


def sigma_maps(n, crop, device, mean, deviation):
    """Noise levels (n,1,crop,crop), log-normal: half uniform, a quarter smooth fields, a quarter fields with sharp edges."""
    base = torch.randn(n, 1, 1, 1, device=device) * deviation + mean
    spread = torch.rand(n, 1, 1, 1, device=device) * 1.5
    field = lambda k: F.interpolate(torch.randn(n, 1, k, k, device=device), (crop, crop), mode="bicubic", align_corners=False)
    half, three_quarters = n // 2, n // 2 + (n - n // 2) // 2
    log_sigma = base.expand(n, 1, crop, crop).clone()
    log_sigma[half:three_quarters] += (spread * field(4))[half:three_quarters]
    log_sigma[three_quarters:] += (spread * ((field(8) > 0).float() * 2 - 1))[three_quarters:]
    return log_sigma.exp().clamp_(*SIGMA_RANGE)


def white(level):
    """Noise for `psnr`: white, of one deviation in 8-bit units. It gives the noisy picture and the level told to the network."""
    return lambda clean, draw: (clean + draw * (level / 127.5), torch.full((1, 1, 1, 1), level / 127.5, device=clean.device))


@torch.no_grad()
def psnr(net, files, noise, reduction=1):
    """Mean PSNR in dB on the pictures reduced by `reduction`. The same noise for every network: seeded by the file's place."""
    device = next(net.parameters()).device
    values = []
    for k, file in enumerate(files):
        picture = Image.open(file).convert("RGB")
        if reduction != 1:
            picture = picture.resize([n // reduction for n in picture.size], Image.LANCZOS)
        clean = torch.from_numpy(np.array(picture)).to(device).permute(2, 0, 1)[None].float() / 127.5 - 1
        draw = torch.randn(clean.shape, generator=torch.Generator().manual_seed(k)).to(device)
        noisy, sigma = noise(clean, draw)
        height, width = clean.shape[2:]
        pad = lambda x: F.pad(x, (0, -width % 16, 0, -height % 16), mode="reflect")
        estimate = denoise(net, pad(noisy), pad(sigma) if sigma.shape[-1] > 1 else sigma)
        error = (estimate[:, :, :height, :width].clamp(-1, 1) - clean) / 2
        values.append(-10 * math.log10(error.square().mean().item()))
    return sum(values) / len(values)


def evaluate(net, files, reduction=1, levels=(15, 25, 50)):
    """Mean PSNR in dB per noise level (8-bit units)."""
    return {level: round(psnr(net, files, white(level), reduction), 3) for level in levels}


def load_start(path, device):
    """A checkpoint of this script, or a model: NAME.safetensors with its card NAME.json beside it."""
    if not path.endswith(".safetensors"):
        return torch.load(path, map_location=device, weights_only=True)
    from safetensors.torch import load_file

    with open(path.removesuffix("safetensors") + "json") as card:
        return {"cfg": json.load(card)["config"], "ema": load_file(path, device)}


def load_network(path):
    """The network of a checkpoint or model, with the weights that are (to be) exported, on the CPU."""
    start = load_start(path, "cpu")
    net = UNet(**start["cfg"]).to(memory_format=torch.channels_last).eval()
    net.load_state_dict({key: value.half().float() for key, value in start["ema"].items()})
    return net


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
        loss = sum(self.backward(*part) for part in parts) / len(clean)
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
    parser.add_argument("--ch", help="channels per level, finest first; as in --init, else 32,64,128,192")
    parser.add_argument("--enc", help="residual blocks per level on the way down; at least those of --init, else 2,3,1")
    parser.add_argument("--mid", type=int, help="residual blocks on the coarsest level; likewise, else 2")
    parser.add_argument("--dec", help="residual blocks per level on the way up, coarsest first; likewise, else 2,3,3")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--crop", type=int, default=96, help="pixels a side, a multiple of 16")
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
    return parser.parse_args()


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    device = "cpu" if args.cpu else "cuda"
    torch.manual_seed(int(time.time()) if args.seed is None else args.seed)
    torch.set_flush_denormal(True)  # without it a CPU run slows down to a fifth within the hour
    if args.threads:
        torch.set_num_threads(args.threads)
    trainer = Trainer(args, device)
    pool = Pool(args.data, device, args.crop)
    files = sorted(glob.glob(args.eval + "/*")) if args.eval else []
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
            print(f"{trainer.steps} steps {elapsed:.0f} s loss {mean_loss:.4f} {speed:.3f} megapixels/s {report()}", flush=True)
            trainer.save()
    trainer.save()
    print(f"end {trainer.steps} {report()}", flush=True)


if __name__ == "__main__":
    main()
