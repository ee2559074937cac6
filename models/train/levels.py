# SPDX-License-Identifier: LGPL-2.1-or-later
"""The noise levels that are trained on."""
import torch
import torch.nn.functional as F

SIGMA_RANGE = (0.003, 60.0)


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
