# SPDX-License-Identifier: LGPL-2.1-or-later
"""The optimiser of the convolutions inside."""
import math

import torch


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
