# SPDX-License-Identifier: LGPL-2.1-or-later
"""Training crops out of a folder of photographs."""
import glob
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

# Full-size JPEG teaches its own artefacts; reduced copies have them averaged away, so they are drawn more often.
SCALES = {1.0: 0.25, 0.66: 1.0, 0.5: 1.0, 0.44: 1.0}
EXTENSIONS = (".jpg", ".jpeg", ".webp", ".png")


class Pool:
    """Every training picture at every scale in one flat uint8 buffer; crops with the 8 symmetries of the square. A picture is
    drawn in proportion to its area times its scale's weight."""

    def __init__(self, root, device, crop):
        self.crop, self.device = crop, device
        files = sorted(f for f in glob.glob(glob.escape(root) + "/**/*", recursive=True) if f.lower().endswith(EXTENSIONS))
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
