# SPDX-License-Identifier: LGPL-2.1-or-later
"""Phase retrieval, offline: y = |FFT of the picture on black, twice its size a side|. RED-Diff on the project's prior beside the classical HIO.

  paper_phase.py MODEL WIDTH HEIGHT < RGB    prints a line of JSON a picture (8 bit, rows without padding)

Run by pipelines/paper with the Python that has PyTorch. Not in the element: what it restores is a picture or its mirror image, and a classical method is
better at it.
"""
import json
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models", "train"))
import network  # noqa: E402

HIO_ROUNDS, ERROR_REDUCTION_ROUNDS, BETA, STARTS = 300, 50, 0.9, 2
STEPS, RATE, LAMBDA = 100, 0.5, 0.25  # of RED-Diff, as published for phase retrieval


def padded(x):
    return torch.nn.functional.pad(x, (0, x.shape[-1], 0, x.shape[-2]))


def magnitude(x):
    """x: [3,h,w] in [0,1]."""
    return torch.fft.fft2(padded(x)).abs()


def misfit(x, y):
    return float((magnitude(x) - y).square().sum())


def hio(y, seed):
    """Hybrid input-output, then error reduction: nothing outside of the picture's quarter, and nothing below black."""
    height, width = y.shape[-2] // 2, y.shape[-1] // 2
    x = torch.rand(y.shape, generator=torch.Generator().manual_seed(seed))
    inside = torch.zeros_like(y)
    inside[..., :height, :width] = 1
    for k in range(HIO_ROUNDS + ERROR_REDUCTION_ROUNDS):
        spectrum = torch.fft.fft2(x)
        projected = torch.fft.ifft2(y * torch.exp(1j * spectrum.angle())).real
        allowed = (inside > 0) & (projected >= 0)
        x = torch.where(allowed, projected, x - BETA * projected if k < HIO_ROUNDS else torch.zeros(()))
    return x[..., :height, :width].clamp(0, 1)


def red_diff(net, y, seed):
    """Adam on the published gradient, descending levels, from the picture whose phases are all zero."""
    levels = torch.linspace(0, 999, STEPS).flip(0).long()
    alphas = torch.cumprod(1 - torch.linspace(1e-4, 2e-2, 1000, dtype=torch.float64), 0)
    schedule = ((1 - alphas) / alphas).sqrt()[levels].clamp(0.003, 5).tolist()
    height, width = y.shape[-2] // 2, y.shape[-1] // 2
    draw = torch.Generator().manual_seed(seed)
    mu = (torch.fft.ifft2(y.to(torch.complex64)).real[..., :height, :width].clamp(0, 1) * 2 - 1).clone().requires_grad_(True)
    adam = torch.optim.Adam([mu], lr=RATE, betas=(0.9, 0.99))
    for s in schedule:
        with torch.no_grad():
            denoised = network.denoise(net, (mu + s * torch.randn(mu.shape, generator=draw))[None], torch.full((1, 1, 1, 1), s))[0]
        data = (magnitude((mu + 1) / 2) - y).square().sum() / y.numel() / 2
        gradient, = torch.autograd.grad(data, mu)
        mu.grad = LAMBDA * (mu.detach() - denoised) + gradient * 4 * mu.numel() / y.numel()
        adam.step()
    return ((mu.detach() + 1) / 2).clamp(0, 1)


def psnr(x, truth):
    """Of the picture or of the same turned by 180 degrees, which has the same magnitudes."""
    error = min(float((x - truth).square().mean()), float((x.flip(-1, -2) - truth).square().mean()))
    return round(-10 * torch.log10(torch.tensor(error)).item(), 2)


def main():
    model, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    net = network.load_network(model).requires_grad_(False)
    torch.set_num_threads(1)
    pictures = torch.frombuffer(bytearray(sys.stdin.buffer.read()), dtype=torch.uint8).view(-1, height, width, 3).permute(0, 3, 1, 2) / 255
    for truth in pictures:
        y = magnitude(truth)
        classical = min((hio(y, seed) for seed in range(STARTS)), key=lambda x: misfit(x, y))
        grey = torch.full_like(truth, 0.5)
        print(json.dumps({"grey": psnr(grey, truth), "hio": psnr(classical, truth), "red-diff": psnr(red_diff(net, y, 0), truth)}), flush=True)


if __name__ == "__main__":
    main()
