#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes NAME.safetensors and its card NAME.json from a diffusion model that others have trained, for `prior=NAME.safetensors`.

convert.py FOLDER --name NAME                       a UNet2DModel of diffusers: the folder with unet/ and scheduler/, or with config.json
convert.py FILE --name NAME --head-channels 64      a state_dict of guided diffusion (.pt, .safetensors); what it cannot tell is asked for

Of a file only tensors are read, nothing of it is run. It needs torch and safetensors. What neither option fits can be exported as
TorchScript (README.md).
"""
import argparse
import hashlib
import json
import pathlib
import re

import torch
from safetensors.torch import load_file, save_file

WRAPPERS = ("ema", "model_ema", "params_ema", "state_dict", "model", "params")
SCHEDULES = {"linear": "linear", "scaled_linear": "root-linear", "squaredcos_cap_v2": "cosine"}
PREDICTIONS = {"epsilon": "eps", "sample": "x0", "v_prediction": "v"}
# Of diffusers' parts: their names, and those of guided diffusion.
RESIDUAL = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
ATTENTION = {"q": ("to_q", "query"), "k": ("to_k", "key"), "v": ("to_v", "value"), "out": ("to_out.0", "proj_attn")}
BLOCKS = {"DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D", "UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"}
ONLY = {  # settings of UNet2DModel for which there is one value here
    "center_input_sample": (False,),
    "time_embedding_type": ("positional",),
    "act_fn": ("silu", "swish"),
    "norm_num_groups": (32,),
    "attn_norm_num_groups": (None, 32),
    "mid_block_scale_factor": (1, 1.0),
    "class_embed_type": (None,),
    "num_class_embeds": (None,),
    "in_channels": (3,),
    "out_channels": (3, 6),
}


def load_tensors(path):
    if path.suffix == ".safetensors":
        return load_file(path)
    state = torch.load(path, map_location="cpu", weights_only=True)
    for wrapper in WRAPPERS:
        if not any(isinstance(value, torch.Tensor) for value in state.values()) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    tensors = {key.removeprefix("module."): value for key, value in state.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise SystemExit(f"{path} holds no tensors by name, neither itself nor under {', '.join(WRAPPERS)}")
    return {key: value for key, value in tensors.items() if value.is_floating_point()}


class Diffusers:
    """Takes the tensors of a UNet2DModel one part after the other, and gives them the names of guided diffusion."""

    def __init__(self, tensors):
        self.old, self.new = dict(tensors), {}

    def move(self, old, new):
        for kind in ("weight", "bias"):
            if f"{old}.{kind}" in self.old:
                self.new[f"{new}.{kind}"] = self.old.pop(f"{old}.{kind}")

    def has(self, prefix):
        return any(name.startswith(prefix + ".") for name in self.old)

    def residual(self, old, new):
        for part, name in RESIDUAL.items():
            self.move(f"{old}.{part}", f"{new}.{name}")

    def attention(self, old, new):
        if f"{old}.group_norm.weight" not in self.old:
            raise SystemExit(f"{old} attends to what has not been normalised, which the native network does not know; export it as TorchScript")
        self.move(f"{old}.group_norm", f"{new}.norm")
        part = lambda names, kind: next(self.old.pop(f"{old}.{name}.{kind}") for name in names if f"{old}.{name}.{kind}" in self.old)
        for kind in ("weight", "bias"):
            # Linear layers over the pixels are convolutions with one tap.
            tap = (lambda t: t.reshape(*t.shape[:2], 1)) if kind == "weight" else (lambda t: t)
            self.new[f"{new}.qkv.{kind}"] = torch.cat([tap(part(ATTENTION[letter], kind)) for letter in "qkv"])
            self.new[f"{new}.proj_out.{kind}"] = tap(part(ATTENTION["out"], kind))

    def resampler(self, old, new, conv):
        if self.has(f"{old}.conv1"):
            self.residual(old, new)
        else:
            self.move(f"{old}.conv", f"{new}.{conv}")

    def down(self):
        k, i = 1, 0
        while self.has(f"down_blocks.{i}"):
            j = 0
            while self.has(f"down_blocks.{i}.resnets.{j}"):
                self.residual(f"down_blocks.{i}.resnets.{j}", f"input_blocks.{k}.0")
                if self.has(f"down_blocks.{i}.attentions.{j}"):
                    self.attention(f"down_blocks.{i}.attentions.{j}", f"input_blocks.{k}.1")
                k, j = k + 1, j + 1
            if self.has(f"down_blocks.{i}.downsamplers.0"):
                self.resampler(f"down_blocks.{i}.downsamplers.0", f"input_blocks.{k}.0", "op")
                k += 1
            i += 1

    def up(self):
        k, i = 0, 0
        while self.has(f"up_blocks.{i}"):
            j = 0
            while self.has(f"up_blocks.{i}.resnets.{j}"):
                self.residual(f"up_blocks.{i}.resnets.{j}", f"output_blocks.{k}.0")
                layers = 1
                if self.has(f"up_blocks.{i}.attentions.{j}"):
                    self.attention(f"up_blocks.{i}.attentions.{j}", f"output_blocks.{k}.1")
                    layers = 2
                k, j = k + 1, j + 1
            if self.has(f"up_blocks.{i}.upsamplers.0"):
                self.resampler(f"up_blocks.{i}.upsamplers.0", f"output_blocks.{k - 1}.{layers}", "conv")
            i += 1

    def convert(self, sine_first):
        for old, new in {"conv_in": "input_blocks.0.0", "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
                         "conv_norm_out": "out.0", "conv_out": "out.2"}.items():  # fmt: skip
            self.move(old, new)
        self.down()
        self.residual("mid_block.resnets.0", "middle_block.0")
        last = 1
        if self.has("mid_block.attentions.0"):
            self.attention("mid_block.attentions.0", "middle_block.1")
            last = 2
        self.residual("mid_block.resnets.1", f"middle_block.{last}")
        self.up()
        if self.old:
            raise SystemExit(f"the model has tensors that are not known here, {next(iter(self.old))} for one: export it as TorchScript")
        if sine_first:
            sine, cosine = self.new["time_embed.0.weight"].chunk(2, 1)
            self.new["time_embed.0.weight"] = torch.cat([cosine, sine], 1)
        return self.new


def from_diffusers(folder):
    unet = folder / "unet" if (folder / "unet").is_dir() else folder
    settings = json.loads((unet / "config.json").read_text())
    if settings.get("_class_name", "UNet2DModel") != "UNet2DModel":
        raise SystemExit(f"{unet} holds a {settings['_class_name']}; a UNet2DModel can be converted, any other network exported as TorchScript")
    for key, allowed in ONLY.items():
        if settings.get(key, allowed[0]) not in allowed:
            raise SystemExit(f"{unet}: {key} is {settings[key]!r}, which the native network does not know; export it as TorchScript")
    for block in settings["down_block_types"] + settings["up_block_types"]:
        if block not in BLOCKS:
            raise SystemExit(f"{unet}: blocks of the type {block} are not known to the native network; export it as TorchScript")
    files = sorted(unet.glob("diffusion_pytorch_model.safetensors")) or sorted(unet.glob("diffusion_pytorch_model.bin"))
    if not files:
        raise SystemExit(f"{unet} has no diffusion_pytorch_model.safetensors or .bin")
    tensors = Diffusers(load_tensors(files[0])).convert(sine_first=not settings.get("flip_sin_to_cos", True))
    width = settings.get("attention_head_dim", 8)
    config = {"heads": 1} if width is None else {"head_channels": width}
    config |= {
        "attention_order": "heads-inside",
        "norm_epsilon": settings.get("norm_eps", 1e-5),
        "frequency_shift": settings.get("freq_shift", 0),
        "halving_pads": "around" if settings.get("downsample_padding", 1) else "after",
    }
    return tensors, config, settings.get("sample_size"), scheduler_of(folder)


def scheduler_of(folder):
    path = next((p for p in (folder / "scheduler/scheduler_config.json", folder / "scheduler_config.json") if p.is_file()), None)
    if path is None:
        raise SystemExit(f"{folder} has no scheduler_config.json, which says what noise the model was trained with")
    settings = json.loads(path.read_text())
    if settings.get("trained_betas") is not None or settings.get("rescale_betas_zero_snr"):
        raise SystemExit(f"{path}: betas of its own (trained_betas, rescale_betas_zero_snr) cannot be told by a card")
    try:
        schedule = SCHEDULES[settings.get("beta_schedule", "linear")]
        prediction = PREDICTIONS[settings.get("prediction_type", "epsilon")]
    except KeyError as word:
        raise SystemExit(f"{path}: {word} is not known; schedules: {', '.join(SCHEDULES)}; predictions: {', '.join(PREDICTIONS)}")
    level = {"input": "step", "schedule": schedule, "steps": settings.get("num_train_timesteps", 1000)}
    if schedule != "cosine":
        level["betas"] = [settings.get("beta_start", 1e-4), settings.get("beta_end", 0.02)]
    return prediction, level


def from_guided(path, args):
    tensors = load_tensors(path)
    if "time_embed.0.weight" not in tensors:
        raise SystemExit(f"{path} is no guided-diffusion U-Net (no time_embed.0.weight); a folder of diffusers is given as a folder")
    if (args.heads is None) == (args.head_channels is None):
        raise SystemExit("how many heads attend leaves no trace in the weights: give --heads or --head-channels (64 for OpenAI's)")
    config = {"heads": args.heads} if args.heads else {"head_channels": args.head_channels}
    config["attention_order"] = args.attention_order
    scale = 1000 / args.steps  # guided diffusion's linear schedule keeps its ends' noise whatever its number of steps
    level = {"input": "step", "schedule": args.schedule, "steps": args.steps}
    if args.schedule == "linear":
        level["betas"] = [1e-4 * scale, 0.02 * scale]
    return tensors, config, args.size, (args.prediction, level)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=pathlib.Path, help="folder of diffusers, or file of guided diffusion")
    parser.add_argument("--name", required=True, help="of the two files, and of the prior")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--half", action="store_true", help="store float16, half the size")
    parser.add_argument("--licence", default="unknown", help="of the weights, for the card")
    parser.add_argument("--size", type=int, help="pixels a side of the pictures it was trained on; frames are shown to it in tiles of this size")
    guided = parser.add_argument_group("of guided diffusion")
    guided.add_argument("--heads", type=int)
    guided.add_argument("--head-channels", type=int)
    guided.add_argument("--attention-order", choices=("heads-outside", "heads-inside"), default="heads-outside",
                        help="heads-inside: trained with use_new_attention_order")  # fmt: skip
    guided.add_argument("--schedule", choices=("linear", "cosine"), default="linear")
    guided.add_argument("--steps", type=int, default=1000)
    guided.add_argument("--prediction", choices=("eps", "x0", "v"), default="eps")
    args = parser.parse_args()
    if not re.fullmatch(r"[\w.+-]+", args.name):
        raise SystemExit(f"--name {args.name}: letters, digits and . + - _ only, as it is the name of files")

    tensors, config, size, (prediction, level) = from_diffusers(args.source) if args.source.is_dir() else from_guided(args.source, args)
    if "label_emb.weight" in tensors:
        raise SystemExit(f"{args.source} is told the class of what it draws, which no frame says; take one that was trained without classes")
    dtype = torch.float16 if args.half else torch.float32
    args.out.mkdir(parents=True, exist_ok=True)
    weights = args.out / f"{args.name}.safetensors"
    save_file({key: value.to(dtype).contiguous() for key, value in tensors.items()}, weights)
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    card = {
        "format": 1,
        "name": args.name,
        "architecture": "guided-unet",
        "config": config,
        "preconditioning": {"type": prediction},
        "level": level,
        "range": [-1, 1],
        "dtype": str(dtype).removeprefix("torch."),
        "sha256": digest,
        "bytes": weights.stat().st_size,
        "licence": args.licence,
    }
    if isinstance(args.size or size, int):
        card["size"] = args.size or size
    (args.out / f"{args.name}.json").write_text(json.dumps(card, indent=2) + "\n")
    print(f"{weights}: {len(tensors)} tensors, {card['bytes']} bytes; its card is beside it")


if __name__ == "__main__":
    main()
