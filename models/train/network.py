# SPDX-License-Identifier: LGPL-2.1-or-later
"""The prior's network: an EDM-preconditioned residual U-Net on 2x2 pixel-unshuffled RGB, conditioned on a noise level that may differ
from pixel to pixel: D(x, sigma) ~ E[clean | x = clean + sigma * n], x in [-1, 1], sigma in the same units, (B,1,1,1) or (B,1,H,W)."""
import json
import math

import torch
import torch.nn.functional as F
from torch import nn

SIGMA_DATA = 0.5


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
        """Weights of a network with no more channels and no more blocks, the same function: blocks that it lacks start as identities;
        channels that it lacks start at random, and nothing that it has reads them yet."""
        own = self.state_dict()
        missing = [key for key in own if key not in state]
        fits = lambda new, old: new.ndim == old.ndim and all(n >= o for n, o in zip(new.shape, old.shape))
        unfit = [key for key in state if key not in own or not fits(own[key], state[key])]
        unfit += [key for key in missing if len(key.split(".")) < 4 and not key.startswith("mid.")]
        if unfit:
            raise SystemExit(f"the weights to start from do not fit, channels and blocks are only added: {', '.join(unfit[:4])} ...")
        for key, old in state.items():
            halves = 2 if ".film." in key else 1  # g and b each lie behind one another
            for new, part in zip(own[key].chunk(halves), old.float().chunk(halves)):
                if part.ndim > 1:
                    new[: len(part), part.shape[1] :] = 0
                new[tuple(map(slice, part.shape))] = part
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


def adapts(name):
    """Whether a tensor of this name belongs to the small set that each kind of error has of its own (adapter.py); the convolutions and
    `freq` serve all."""
    return name.startswith(("head.", "tail.", "emb")) or ".film." in name


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


def load_start(path, device, kind="white"):
    """A checkpoint of train.py, or a model: NAME.safetensors with its card NAME.json beside it, as it is for a kind of error."""
    if not path.endswith(".safetensors"):
        return torch.load(path, map_location=device, weights_only=True)
    from safetensors.torch import load_file

    with open(path.removesuffix("safetensors") + "json") as card:
        config = json.load(card)["config"]
    tensors, prefix = load_file(path, device), f"kinds.{kind}."
    state = {key: value for key, value in tensors.items() if not key.startswith(("kinds.", "int8."))}
    own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix) and "int8." not in key}
    if kind != "white" and not own:
        raise SystemExit(f"{path} knows no kind of error named {kind}")
    return {"cfg": config, "ema": state | own}


def load_network(path, kind="white"):
    """The network of a checkpoint or model, with the weights that are (to be) exported, on the CPU."""
    start = load_start(path, "cpu", kind)
    net = UNet(**start["cfg"]).to(memory_format=torch.channels_last).eval()
    net.load_state_dict({key: value.half().float() for key, value in start["ema"].items()})
    return net
