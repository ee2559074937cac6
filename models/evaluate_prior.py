#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures priors on folders of pictures: PSNR in dB per kind of noise, and the time a megapixel takes. Prints Markdown.

Every prior meets the same noise (seeded by the picture's place in its folder). Levels are standard deviations in 8-bit units.

  white L     white noise of one level, known to the prior, unclipped: what the card's figures are
  clipped L   the same, clipped to 0..255 and rounded, as 8-bit video has it; the prior is told L
  smooth      the level changes slowly over the picture: a 4x4 grid of levels from 5 to 75, enlarged bicubically
  patchy      the level jumps: an 8x8 grid of patches, each of level 5, 15, 25, 50 or 75
              (both fields twice: "map" tells the prior the level of each pixel, "mean" one level for all, the root mean square)

Example: evaluate_prior.py PICTURES --prior default.safetensors tiny.safetensors --reduce 2 --plot psnr.svg
"""
import argparse
import pathlib
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent / "train"))
from network import denoise, load_network  # noqa: E402  (beside, in train/)
from quality import pictures, psnr, white  # noqa: E402  (beside, in train/)

LEVELS = (1, 2, 3, 5, 7, 10, 15, 25, 35, 50, 70, 100)
CLIPPED = (5, 15, 25, 50)
PATCHES = (5.0, 15.0, 25.0, 50.0, 75.0)


def clipped(level):
    unclipped = white(level)

    def noise(clean, draw):
        noisy, sigma = unclipped(clean, draw)
        return ((noisy + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1, sigma

    return noise


def smooth(height, width):
    grid = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    field = F.interpolate(grid, (height, width), mode="bicubic", align_corners=False).clamp(0, 1)
    return 5 * (75 / 5) ** field


def patchy(height, width):
    grid = torch.randint(len(PATCHES), (1, 1, 8, 8), generator=torch.Generator().manual_seed(2))
    return F.interpolate(torch.tensor(PATCHES)[grid], (height, width), mode="nearest")


def varying(field, told):
    """White noise whose level follows `field`; `told`: "map" or "mean"."""

    def noise(clean, draw):
        sigma = field(*clean.shape[2:]) / 127.5
        mean = sigma.square().mean().sqrt().view(1, 1, 1, 1)
        return clean + draw * sigma, sigma if told == "map" else mean

    return noise


def noises():
    """(name, noise for psnr) of every row of the table."""
    yield from ((f"white {level}", white(level)) for level in LEVELS)
    yield from ((f"clipped {level}", clipped(level)) for level in CLIPPED)
    for field in (smooth, patchy):
        yield from ((f"{field.__name__}, {told}", varying(field, told)) for told in ("map", "mean"))


@torch.no_grad()
def seconds(net):
    """(CPU, wall) seconds per megapixel, the least of three: other work on the machine only ever adds to them."""
    noisy = torch.randn(1, 3, 1024, 1024, generator=torch.Generator().manual_seed(0))
    results = []
    for _ in range(4):  # the first one is a warm-up
        cpu, wall = time.process_time(), time.perf_counter()
        denoise(net, noisy, torch.full((1, 1, 1, 1), 0.2))
        results.append((time.process_time() - cpu, time.perf_counter() - wall))
    return [min(values) / (noisy[0, 0].numel() / 1e6) for values in zip(*results[1:])]


def reference(text):
    """NAME=LEVEL:PSNR,LEVEL:PSNR -> (NAME, {row: PSNR})"""
    name, separator, points = text.partition("=")
    try:
        rows = {f"white {int(level)}": float(psnr) for level, psnr in (point.split(":") for point in points.split(","))}
    except ValueError:
        rows = {}
    if not (name and separator and rows) or not rows.keys() <= {name for name, _ in noises()}:
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=LEVEL:PSNR,... with levels of {', '.join(map(str, LEVELS))}")
    return name, rows


def print_table(title, columns):
    """`columns`: {name: {row: value}}; a reference has not every row."""
    print(f"\n{title}\n\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}", flush=True)
    for name, _ in noises():
        cells = (f"{column[name]:.2f}" if name in column else "" for column in columns.values())
        print(f"| {name} | {' | '.join(cells)} |")


def plot(path, tables, priors):
    """PSNR against the level of white noise, and beneath it how far each stands from the first prior: tenths do not show above."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, len(tables), figsize=(6 * len(tables), 7), sharex=True, squeeze=False)
    for (title, columns), (above, below) in zip(tables.items(), axes.T):
        first = columns[priors[0]]
        for name, column in columns.items():
            levels = [level for level in LEVELS if f"white {level}" in column]
            values = [column[f"white {level}"] for level in levels]
            style = {"marker": "." if name in priors else "x", "linestyle": "-" if name in priors else "", "label": name}
            above.plot(levels, values, **style)
            below.plot(levels, [value - first[f"white {level}"] for level, value in zip(levels, values)], **style)
        above.set(title=title, xscale="log", ylabel="PSNR, dB")
        below.set(xlabel="standard deviation of the noise, 8-bit units", ylabel=f"dB above {priors[0]}")
        below.set_xticks(LEVELS, LEVELS, minor=False)
        below.minorticks_off()
        above.legend()
        for axis in (above, below):
            axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = pathlib.Path(__file__).parent / "default.safetensors"
    parser.add_argument("folder", nargs="+", type=pathlib.Path, help="folder of pictures; a table for each")
    parser.add_argument("--prior", nargs="+", type=pathlib.Path, default=[default], metavar="FILE",
                        help="models (.safetensors, the card beside) or checkpoints (.pt), a column each; default: the one beside this script")
    parser.add_argument("--reduce", type=int, default=1, metavar="N", help="reduce the pictures by N first (Lanczos): no JPEG artefacts remain")
    parser.add_argument("--reference", nargs="+", type=reference, default=[], metavar="NAME=LEVEL:PSNR,...",
                        help="PSNR of others on white noise, measured elsewhere on the same pictures: columns and points")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE", help="draw PSNR against the level (.svg, .png, .pdf); needs matplotlib")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    stems = [path.stem for path in args.prior]
    args.names = [path.stem if stems.count(path.stem) == 1 else str(path) for path in args.prior]
    columns = args.names + [name for name, _ in args.reference]
    if len(set(columns)) < len(columns):
        parser.error("two columns have the same name")
    if args.reference and len(args.folder) > 1:
        parser.error("--reference belongs to one folder")
    return args


def main():
    args = arguments()
    torch.set_flush_denormal(True)  # as in training: denormal numbers are slow
    torch.set_num_threads(args.threads)
    priors = {name: load_network(str(path)) for name, path in zip(args.names, args.prior)}
    tables = {}
    for folder in args.folder:
        files = pictures(folder)
        title = f"{folder}, {len(files)} pictures" + (f", reduced by {args.reduce}" if args.reduce > 1 else "")
        measure = lambda net: {name: psnr(net, files, noise, args.reduce) for name, noise in noises()}
        tables[title] = {name: measure(net) for name, net in priors.items()} | dict(args.reference)
        print_table(f"PSNR in dB: {title}", tables[title])
    print(f"\nSeconds per megapixel, float32, {args.threads} thread{'s' * (args.threads > 1)}\n\n| | CPU | wall |\n|---|---|---|")
    for name, net in priors.items():
        print("| {} | {:.2f} | {:.2f} |".format(name, *seconds(net)))
    if args.plot:
        plot(args.plot, tables, list(priors))


if __name__ == "__main__":
    main()
