#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Residual blocks by Winograd's convolution, for CPUs without AMX: half as many steps a second again (fast_block.cpp, compiled at first use).

Run: fast_block.py        compares them with network.py's in float64, and their speed
"""
import os
import time

import torch
import torch.nn.functional as F

import network

PLAIN = network.Block.forward


def extension():
    from torch.utils.cpp_extension import load  # looks for a compiler and for CUDA as it is imported

    here = os.path.dirname(os.path.abspath(__file__))
    return load(
        "fast_block",
        [os.path.join(here, "fast_block.cpp")],
        extra_cflags=["-O3", "-march=native", "-std=c++20", "-fopenmp", "-ffp-contract=fast"],
        extra_ldflags=["-fopenmp"],
    )


class Residual(torch.autograd.Function):
    @staticmethod
    def forward(ctx, native, x, w1, w2, film):
        out, *saved = native.forward(x, w1, w2, film)
        ctx.native = native
        ctx.save_for_backward(*saved, w1, w2)
        return out

    @staticmethod
    def backward(ctx, gradient):
        return None, *ctx.native.backward(gradient, *ctx.saved_tensors, ctx.needs_input_grad[2])


def film(conv, emb):
    """A 1x1 convolution as the matrix product that it is: half the time of torch's gradient."""
    b, e, h, w = emb.shape
    rows = F.linear(emb.permute(0, 2, 3, 1).reshape(b * h * w, e), conv.weight.flatten(1), conv.bias)
    return rows.view(b, h, w, -1).permute(0, 3, 1, 2)


def install():
    """All blocks of all networks from now on; sizes that do not fit go network.py's way."""
    native = extension()

    def forward(block, x, emb):
        if x.dtype != torch.float32 or x.shape[1] % native.channels or x.shape[1] > native.most_channels or x.shape[2] % 4 or x.shape[3] % 4:
            return PLAIN(block, x, emb)
        return Residual.apply(native, x, block.conv1.weight, block.conv2.weight, film(block.film, emb))

    network.Block.forward = forward
    return forward


def main():
    fast = install()
    torch.manual_seed(0)

    def gradients(forward, block, x, emb, weight):
        leaves = [x.clone().requires_grad_(), emb.clone().requires_grad_(), *block.parameters()]
        out = forward(block, leaves[0], leaves[1])
        return [out.detach(), *torch.autograd.grad((out * weight).sum(), leaves)]

    def seconds(*args):
        gradients(*args)
        start = time.time()
        for _ in range(5):
            gradients(*args)
        return (time.time() - start) / 5

    for channels, side in (32, 64), (64, 32), (128, 16), (192, 8):
        for level in 1, side:
            block = network.Block(channels, 64).to(memory_format=torch.channels_last)
            torch.nn.init.normal_(block.film.weight, std=0.1)
            x, weight = (torch.randn(3, channels, side, side).to(memory_format=torch.channels_last) for _ in range(2))
            emb = torch.randn(3, 64, level, level)
            twin = network.Block(channels, 64).double()
            twin.load_state_dict(block.state_dict())
            truth = gradients(PLAIN, twin, x.double(), emb.double(), weight.double())
            # An activation within rounding of zero may fall on either side: such a pixel's gradient is that of another function.
            error = max(((a - b).norm() / b.norm()).item() for a, b in zip(gradients(fast, block, x, emb, weight), truth))
            times = [seconds(forward, block, x, emb, weight) for forward in (PLAIN, fast)]
            print(f"{channels} channels, level {'uniform' if level == 1 else 'map'}: error {error:.1e}, {times[0] / times[1]:.1f} times as fast")
            if error > 2e-3:
                raise SystemExit("fast blocks differ from network.py's")


if __name__ == "__main__":
    main()
