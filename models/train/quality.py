# SPDX-License-Identifier: LGPL-2.1-or-later
"""PSNR of a network on pictures."""
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from crops import EXTENSIONS
from network import denoise


def pictures(folder):
    """The pictures of a folder, in order; there is one at least."""
    files = sorted(entry.path for entry in os.scandir(folder) if entry.name.lower().endswith(EXTENSIONS))
    if not files:
        raise SystemExit(f"{folder} holds no pictures ({', '.join(EXTENSIONS)})")
    return files


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
        grid = 2 ** len(net.cfg["ch"])
        pad = lambda x: F.pad(x, (0, -width % grid, 0, -height % grid), mode="reflect")
        estimate = denoise(net, pad(noisy), pad(sigma) if sigma.shape[-1] > 1 else sigma)
        error = (estimate[:, :, :height, :width].clamp(-1, 1) - clean) / 2
        values.append(-10 * math.log10(error.square().mean().item()))
    return sum(values) / len(values)


def evaluate(net, files, reduction=1, levels=(15, 25, 50)):
    """Mean PSNR in dB per noise level (8-bit units)."""
    return {level: round(psnr(net, files, white(level), reduction), 3) for level in levels}
