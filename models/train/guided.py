# SPDX-License-Identifier: LGPL-2.1-or-later
"""The U-Net of guided diffusion, by its layers: what `core/priors/guided_unet` is tested against, and what a small one is trained with.

A definition of its own, written from the published description of the layers; only the names of the tensors are those of the files that
are in use. Pictures go in and out in the network's own range; `t` is the step of its schedule, any real number.
"""
import math
from dataclasses import asdict, dataclass, field

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Shape:
    """What a network looks like. Heads and their order leave no trace in the weights' shapes: a card has to say them."""

    channels: int = 32
    multipliers: list = field(default_factory=lambda: [1, 2])
    blocks: int = 1  # residual blocks a level, one more on the way up
    attention: list = field(default_factory=list)  # levels that attend, 0 the finest
    head_channels: int = 32  # 0: one head
    new_attention_order: bool = False
    scale_shift: bool = True
    updown: bool = True  # change sizes in a residual block, not with a convolution
    learned_sigma: bool = True
    inputs: int = 3
    norm_epsilon: float = 1e-5
    frequency_shift: float = 0
    pads_after: bool = False  # of convolutions that halve the size: below and to the right only

    dict = asdict


def norm(shape, channels):
    return nn.GroupNorm(32, channels, eps=shape.norm_epsilon)


def embedding(t, shape):
    half = shape.channels // 2
    frequencies = torch.exp(-math.log(1e4) * torch.arange(half, device=t.device, dtype=t.dtype) / (half - shape.frequency_shift))
    angles = t[:, None] * frequencies[None]
    return torch.cat([angles.cos(), angles.sin()], 1)


class Block(nn.Module):
    """Two convolutions around the level; `resample` changes the size of both paths before the first of them."""

    def __init__(self, shape, inner, outer, resample=None):
        super().__init__()
        self.scale_shift, self.resample = shape.scale_shift, resample
        self.in_layers = nn.Sequential(norm(shape, inner), nn.SiLU(), nn.Conv2d(inner, outer, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(4 * shape.channels, outer * (2 if shape.scale_shift else 1)))
        self.out_layers = nn.Sequential(norm(shape, outer), nn.SiLU(), nn.Identity(), nn.Conv2d(outer, outer, 3, padding=1))
        self.skip_connection = nn.Conv2d(inner, outer, 1) if inner != outer else nn.Identity()

    def sized(self, x):
        if self.resample == "up":
            return F.interpolate(x, scale_factor=2, mode="nearest")
        return F.avg_pool2d(x, 2) if self.resample == "down" else x

    def forward(self, x, level):
        h = self.in_layers[2](self.sized(self.in_layers[1](self.in_layers[0](x))))
        level = self.emb_layers(level)[:, :, None, None]
        if self.scale_shift:
            scale, shift = level.chunk(2, 1)
            h = self.out_layers[0](h) * (1 + scale) + shift
            h = self.out_layers[3](self.out_layers[1](h))
        else:
            h = self.out_layers(h + level)
        return self.skip_connection(self.sized(x)) + h


class Attention(nn.Module):
    def __init__(self, shape, channels):
        super().__init__()
        self.new_order = shape.new_attention_order
        self.heads = channels // shape.head_channels if shape.head_channels else 1
        self.norm = norm(shape, channels)
        self.qkv = nn.Conv1d(channels, 3 * channels, 1)
        self.proj_out = nn.Conv1d(channels, channels, 1)

    def forward(self, x, _):
        n, c, height, width = x.shape
        width_of_head = c // self.heads
        qkv = self.qkv(self.norm(x.flatten(2)))
        # Either (q, k, v) outside and heads within, or heads outside and (q, k, v) within.
        order = (n, 3, self.heads, width_of_head, -1) if self.new_order else (n, self.heads, 3, width_of_head, -1)
        q, k, v = qkv.reshape(order).unbind(1 if self.new_order else 2)
        scale = width_of_head**-0.25
        weight = torch.einsum("nhct,nhcs->nhts", q * scale, k * scale).softmax(-1)
        gathered = torch.einsum("nhts,nhcs->nhct", weight, v).reshape(n, c, -1)
        return x + self.proj_out(gathered).reshape(x.shape)


class Down(nn.Module):
    def __init__(self, shape, channels):
        super().__init__()
        self.after = shape.pads_after
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=0 if self.after else 1)

    def forward(self, x, _):
        return self.op(F.pad(x, (0, 1, 0, 1)) if self.after else x)


class Up(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x, _):
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class First(nn.Conv2d):
    def forward(self, x, _):
        return super().forward(x)


class Guided(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        c = shape.channels
        self.time_embed = nn.Sequential(nn.Linear(c, 4 * c), nn.SiLU(), nn.Linear(4 * c, 4 * c))
        here = int(shape.multipliers[0] * c)
        self.input_blocks = nn.ModuleList([nn.ModuleList([First(shape.inputs, here, 3, padding=1)])])
        widths = [here]
        last = len(shape.multipliers) - 1
        for level, multiplier in enumerate(shape.multipliers):
            for _ in range(shape.blocks):
                layers = [Block(shape, here, int(multiplier * c))]
                here = int(multiplier * c)
                if level in shape.attention:
                    layers.append(Attention(shape, here))
                self.input_blocks.append(nn.ModuleList(layers))
                widths.append(here)
            if level != last:
                self.input_blocks.append(nn.ModuleList([Block(shape, here, here, "down") if shape.updown else Down(shape, here)]))
                widths.append(here)
        self.middle_block = nn.ModuleList([Block(shape, here, here), Attention(shape, here), Block(shape, here, here)])
        self.output_blocks = nn.ModuleList()
        for level, multiplier in reversed(list(enumerate(shape.multipliers))):
            for i in range(shape.blocks + 1):
                layers = [Block(shape, here + widths.pop(), int(multiplier * c))]
                here = int(multiplier * c)
                if level in shape.attention:
                    layers.append(Attention(shape, here))
                if level and i == shape.blocks:
                    layers.append(Block(shape, here, here, "up") if shape.updown else Up(here))
                self.output_blocks.append(nn.ModuleList(layers))
        self.out = nn.Sequential(norm(shape, here), nn.SiLU(), nn.Conv2d(here, 6 if shape.learned_sigma else 3, 3, padding=1))

    def forward(self, x, t):
        level = self.time_embed(embedding(t, self.shape))
        kept = []
        for layers in self.input_blocks:
            for layer in layers:
                x = layer(x, level)
            kept.append(x)
        for layer in self.middle_block:
            x = layer(x, level)
        for layers in self.output_blocks:
            x = torch.cat([x, kept.pop()], 1)
            for layer in layers:
                x = layer(x, level)
        return self.out(x)


def levels(schedule, steps=1000):
    """Deviations s_t = sqrt((1-abar)/abar) of the noise in x_t / sqrt(abar), one for each step."""
    if schedule == "linear":
        abar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    else:
        g = lambda u: torch.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2
        place = torch.arange(steps, dtype=torch.float64)
        abar = torch.cumprod(1 - (1 - g((place + 1) / steps) / g(place / steps)).clamp(max=0.999), 0)
    return ((1 - abar) / abar).sqrt()
