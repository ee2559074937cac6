#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pictures and figures of the demo, from raw video (RGB or RGBA, 8 bit, rows without padding).

  pictures.py mask IN.rgb OUT.rgba WIDTH HEIGHT      adds alpha with holes: a logo and scratches (0 = missing)
  pictures.py compare --truth ... --restored ...     prints a table, writes input | restored | truth as one PNG
"""
import argparse
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GREY = 128  # what a missing pixel is shown as


def read(path, width, height, channels):
    data = np.fromfile(path, np.uint8)
    if data.size == 0 or data.size % (width * height * channels):
        sys.exit(f"pictures: {path}: {data.size} bytes are no whole number of {width}x{height}x{channels} frames")
    return data.reshape(-1, height, width, channels)


def holes(width, height):
    """True where a pixel is missing: a word in large letters and five slanted lines."""
    word = Image.new("L", (50, 11), 0)
    ImageDraw.Draw(word).text((0, 0), "RED-DIFF", 255, font=ImageFont.load_default())
    picture = Image.new("L", (width, height), 0)
    picture.paste(word.resize((width // 2, height // 4)), (width // 4, height * 5 // 8))
    draw = ImageDraw.Draw(picture)
    for i in range(5):
        x = width * (i + 1) // 6
        draw.line([(x - 20, 0), (x + 20, height)], 255, 3)
    return np.asarray(picture) > 127


def add_mask(args):
    frames = read(args.input, args.width, args.height, 3)
    missing = holes(args.width, args.height)
    alpha = np.broadcast_to(np.where(missing, 0, 255).astype(np.uint8)[None, :, :, None], frames.shape[:3] + (1,))
    colour = np.where(missing[None, :, :, None], np.uint8(GREY), frames)
    np.concatenate([colour, alpha], 3).tofile(args.output)


def enlarge(frame, width, height):
    if frame.shape[:2] == (height, width):
        return frame
    return np.asarray(Image.fromarray(frame).resize((width, height), Image.BICUBIC))


def figures(frames, truth):
    """PSNR per frame in dB over all three channels, and the RMS of the error's change from frame to frame."""
    error = frames.astype(np.float32) - truth
    psnr = 10 * np.log10(255.0**2 / np.maximum(np.mean(error**2, (1, 2, 3)), 1e-9))
    flicker = np.sqrt(np.mean(np.diff(error, axis=0) ** 2)) if len(frames) > 1 else 0.0
    return psnr, flicker


def table(rows, count):
    print(f"\n{count} frames                PSNR mean    lowest   highest   flicker")
    for name, (psnr, flicker) in rows:
        print(f"  {name:24s} {psnr.mean():6.2f} dB {psnr.min():6.2f} dB {psnr.max():6.2f} dB {flicker:7.2f}")
    gain = rows[1][1][0].mean() - rows[0][1][0].mean()
    print(f"  gain                     {gain:+6.2f} dB     (flicker: RMS of the error's change between frames, 8-bit units)")


def finest(frame, width, height):
    """Corner of the window that loses most when halved: where a difference can be seen."""
    rows, columns = frame.shape[:2]
    halved = Image.fromarray(frame).resize((columns // 2, rows // 2), Image.BICUBIC).resize((columns, rows), Image.BICUBIC)
    lost = np.abs(frame.astype(np.float64) - np.asarray(halved)).sum(2)
    total = np.pad(lost.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    windows = total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    return np.unravel_index(windows.argmax(), windows.shape)


def side_by_side(panels, path):
    """Whole frames above, the finest sixteenth enlarged four times (pixels kept square) below."""
    height, width = panels[0][1].shape[:2]
    gap, bar = 6, 24
    top, left = finest(panels[-1][1], width // 4, height // 4)
    sheet = Image.new("RGB", (3 * width + 2 * gap, 2 * height + gap + bar), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    for i, (title, frame) in enumerate(panels):
        x = i * (width + gap)
        label = Image.new("RGB", (width // 2, bar // 2), (255, 255, 255))
        ImageDraw.Draw(label).text((0, 0), title, (0, 0, 0), font=ImageFont.load_default())
        sheet.paste(label.resize((width // 2 * 2, bar // 2 * 2), Image.NEAREST), (x, 0))
        sheet.paste(Image.fromarray(frame), (x, bar))
        draw.rectangle([x + left, bar + top, x + left + width // 4 - 1, bar + top + height // 4 - 1], outline=(255, 220, 0))
        crop = Image.fromarray(frame[top : top + height // 4, left : left + width // 4])
        sheet.paste(crop.resize((width, height), Image.NEAREST), (x, bar + height + gap))
    sheet.save(path)


def compare(args):
    width, height = args.size
    channels = 4 if args.degraded.endswith(".rgba") else 3
    truth = read(args.truth, width, height, 3)
    restored = read(args.restored, width, height, 3)
    degraded = read(args.degraded, width // args.scale, height // args.scale, channels)[..., :3]
    if not len(truth) == len(restored) == len(degraded):
        sys.exit(f"pictures: {len(truth)} true, {len(degraded)} degraded and {len(restored)} restored frames")
    plain = np.stack([enlarge(frame, width, height) for frame in degraded])
    name = "input" if args.scale == 1 else f"bicubic x{args.scale}"
    rows = [(name, figures(plain, truth)), ("restored by reddiff", figures(restored, truth))]
    table(rows, len(truth))
    middle = len(truth) // 2
    panels = [(f"{name}: {rows[0][1][0][middle]:.2f} dB", plain[middle]),
              (f"reddiff: {rows[1][1][0][middle]:.2f} dB", restored[middle]), ("original", truth[middle])]
    side_by_side(panels, args.png)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    mask = commands.add_parser("mask")
    mask.add_argument("input")
    mask.add_argument("output")
    mask.add_argument("width", type=int)
    mask.add_argument("height", type=int)
    mask.set_defaults(call=add_mask)
    comparison = commands.add_parser("compare")
    for name in ("truth", "restored", "degraded", "png"):
        comparison.add_argument("--" + name, required=True)
    comparison.add_argument("--size", type=int, nargs=2, required=True)
    comparison.add_argument("--scale", type=int, default=1)
    comparison.set_defaults(call=compare)
    args = parser.parse_args()
    args.call(args)


if __name__ == "__main__":
    main()
