# SPDX-License-Identifier: LGPL-2.1-or-later
"""Noise as cameras, scanners and scalers make it, on clean clips (clean_material.py).

  noise_material.py OUT [--kind WORDS] [--clip WORDS] [--pictures FOLDER] [--y4m]    writes them to look at: PNG, clean beside noisy

KINDS is the table: name -> Kind, which makes of a clean clip what should come out (`truth`: the clean clip as this camera or scaler shows
it without noise), what goes in (`noisy`), and the RMS of the noise before rounding. Noise is drawn afresh for every frame, from the seed.
"""
import argparse
import io
import os
import subprocess
import sys
from typing import Callable, NamedTuple

import cv2
import numpy as np
from PIL import Image

import clean_material as clean


class Made(NamedTuple):
    truth: np.ndarray  # uint8 [T,H,W,3]
    noisy: np.ndarray
    rms: float  # of what was added before values were clipped and rounded; inside bars not counted


def to_bytes(frames):
    return np.clip(np.round(frames), 0, 255).astype(np.uint8)


def rms(x):
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def added(truth, noise):
    return Made(truth, to_bytes(truth + noise), rms(noise))


def normal(frames, rng, channels=3):
    return rng.standard_normal((*frames.shape[:3], channels)).astype(np.float32)


def blurred(noise, sigma):
    """Gaussian-correlated, power 1 again."""
    out = np.stack([cv2.GaussianBlur(n, (0, 0), sigma) for n in noise]).reshape(noise.shape)
    return out / rms(out)


# ---- kinds: (clean clip, rng) -> Made

def white(sigma):
    return lambda frames, rng: added(frames, sigma * normal(frames, rng))


def luma_white(sigma):
    return lambda frames, rng: added(frames, sigma * normal(frames, rng, 1))


def correlated(sigma, radius):
    return lambda frames, rng: added(frames, sigma * blurred(normal(frames, rng), radius))


def blotches(luma, chroma, radius):
    """Cb and Cr vary over some pixels, as where chroma was denoised or subsampled."""
    def make(frames, rng):
        cb, cr = (chroma * blurred(normal(frames, rng, 1), radius) for _ in range(2))
        colour = np.concatenate([1.402 * cr, -0.344 * cb - 0.714 * cr, 1.772 * cb], 3)
        return added(frames, luma * normal(frames, rng, 1) + colour)
    return make


def brightening(black, white_):
    """White noise whose power grows with brightness, from `black` at 0 to `white_` at 255."""
    def make(frames, rng):
        power = black**2 + (white_**2 - black**2) * frames.astype(np.float32) / 255
        return added(frames, np.sqrt(power) * normal(frames, rng))
    return make


def enlarged(sigma, how):
    """A small video with noise, enlarged by two."""
    def make(frames, rng):
        height, width = frames.shape[1:3]
        small = [cv2.resize(f, (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(np.float32) for f in frames]
        large = lambda f: cv2.resize(f, (width, height), interpolation=how)
        noise = sigma * normal(np.stack(small), rng)
        truth, dirty = np.stack([large(f) for f in small]), np.stack([large(f + n) for f, n in zip(small, noise)])
        return Made(to_bytes(truth), to_bytes(dirty), rms(dirty - truth))
    return make


def noise_enlarged(sigma, how):
    """The same noise in a picture that was sharp before."""
    def make(frames, rng):
        height, width = frames.shape[1:3]
        small = normal(np.zeros((len(frames), height // 2, width // 2), np.uint8), rng)
        return added(frames, sigma * np.stack([cv2.resize(n, (width, height), interpolation=how) for n in small]))
    return make


def grain(strength):
    """Scanned film: grains of about a pixel and a half without slow changes, most of it in all three layers, strongest in the middle
    tones, weak where the film is clear or black."""
    def make(frames, rng):
        def layer(channels):
            noise = normal(frames, rng, channels)
            band = blurred(noise, 0.7) - 0.5 * blurred(noise, 2.5)
            return band / rms(band)
        light = frames.astype(np.float32) / 255
        profile = 0.35 + 0.65 * 2 * np.sqrt(np.clip(light * (1 - light), 0, None))
        return added(frames, strength * profile * (0.9 * layer(1) + 0.436 * layer(3)))
    return make


# ---- cameras

GAINS = np.float32([2.0, 1.0, 1.6])  # white balance of daylight
LENS = 0.5  # what optics and low-pass leave, pixels
GREEN = np.float32([[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]) / 8
CROSS = np.float32([[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]) / 8
ROWS = np.float32([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]) / 8


def sites(height, width):
    """Of RGGB: True where a sensor pixel has that colour."""
    y, x = np.mgrid[:height, :width]
    return (y % 2 == 0) & (x % 2 == 0), (y + x) % 2 == 1, (y % 2 == 1) & (x % 2 == 1)


def filtered(x, kernel):
    return cv2.filter2D(x, -1, kernel, borderType=cv2.BORDER_REFLECT_101)


def demosaic_bilinear(raw):
    cross = np.float32([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    square = np.float32([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
    return np.stack([filtered(raw * site, cross if c == 1 else square) for c, site in enumerate(sites(*raw.shape))], 2)


def demosaic_corrected(raw):
    """Gradient-corrected (Malvar, He and Cutler)."""
    red, green, blue = sites(*raw.shape)
    rows, columns, cross = filtered(raw, ROWS), filtered(raw, np.ascontiguousarray(ROWS.T)), filtered(raw, CROSS)
    red_row = np.arange(raw.shape[0])[:, None] % 2 == 0
    out = np.stack([raw] * 3, 2)
    out[..., 0] = np.where(red, raw, np.where(blue, cross, np.where(red_row, rows, columns)))
    out[..., 1] = np.where(green, raw, filtered(raw, GREEN))
    out[..., 2] = np.where(blue, raw, np.where(red, cross, np.where(red_row, columns, rows)))
    return out


def developed(raw, demosaic, sharpen):
    """What a camera makes of its sensor's values, up to the compression: float code values."""
    linear = np.clip(demosaic(raw) * GAINS, 0, 1)
    picture = 255 * linear ** np.float32(1 / 2.2)
    return np.clip(picture + sharpen * (picture - cv2.GaussianBlur(picture, (0, 0), 1.0)), 0, 255)


def jpeg(frame, quality):
    data = io.BytesIO()
    Image.fromarray(frame).save(data, "jpeg", quality=quality)
    return np.asarray(Image.open(data))


def camera(shot, read, demosaic=demosaic_corrected, sharpen=0.5, compress=lambda frames: np.stack([jpeg(f, 90) for f in frames]),
           lose_colour=lambda frames: np.stack([jpeg(f, 100) for f in frames])):
    """Shot noise (variance `shot` times the light) and read noise on the sensor, of which full is 1. The truth has the same colours of
    half size, and is hardly quantised."""
    def make(frames, rng):
        height, width = frames.shape[1:3]
        truth, dirty = [], []
        for frame in frames:
            light = cv2.GaussianBlur((frame / np.float32(255)) ** np.float32(2.2), (0, 0), LENS) / GAINS
            sensor = sum(light[..., c] * site for c, site in enumerate(sites(height, width)))
            noise = np.sqrt(shot * sensor + read**2) * rng.standard_normal((height, width)).astype(np.float32)
            truth.append(developed(sensor, demosaic, sharpen))
            dirty.append(developed(np.minimum(sensor + noise, 1).astype(np.float32), demosaic, sharpen))
        truth, dirty = np.stack(truth), np.stack(dirty)
        return Made(lose_colour(to_bytes(truth)), compress(to_bytes(dirty)), rms(dirty - truth))
    return make


def filmed(shot, read, crf=18):
    """The same camera's video."""
    return camera(shot, read, compress=lambda frames: clean.through_x264(frames, ["-crf", str(crf)]),
                  lose_colour=lambda frames: clean.through_x264(frames, ["-qp", "0"]))


def alike_in_planes(sigma):
    """As much in Y', Cb and Cr of 4:2:0, as ffmpeg's filter `noise` and analogue sources add it. Meant for frames in such a format."""
    def make(frames, rng):
        height, width = frames.shape[1:3]
        luma, *chroma = (sigma * rng.standard_normal((len(frames), height // s, width // s, 1)).astype(np.float32) for s in (1, 2, 2))
        blue, red = (np.pad(plane.repeat(2, 1).repeat(2, 2), ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), "edge") for plane in chroma)
        noise = np.concatenate([luma + 1.402 * red, luma - 0.344 * blue - 0.714 * red, luma + 1.772 * blue], -1)
        return Made(frames, to_bytes(frames + noise), rms(noise))
    return make


# ---- frames in frames, faulty pixels

def surrounded(sigma, around, own_noise):
    """Noise in the picture; around it bars, or within it an inset, of other noise."""
    def make(frames, rng):
        truth, inside = frames.copy(), np.ones(frames.shape[:3], bool)
        height, width = frames.shape[1:3]
        if around == "letterbox":
            inside[:, :height // 8] = inside[:, -(height // 8):] = False
        elif around == "pillarbox":
            inside[:, :, :width // 8 + 3] = inside[:, :, -(width // 8 + 3):] = False
        else:
            inside[:, height // 2 + 9: height - 10, width // 2 + 5: width - 12] = False
        truth[~inside] = 0 if own_noise == 0 else 60
        sigmas = np.where(inside, sigma, own_noise)[..., None].astype(np.float32)
        return Made(truth, to_bytes(truth + sigmas * normal(frames, rng)), float(sigma))
    return make


def salt_and_pepper(share, per_channel=False, sigma=0):
    def make(frames, rng):
        struck = rng.random((*frames.shape[:3], 3 if per_channel else 1))
        noisy = to_bytes(frames + sigma * normal(frames, rng)) if sigma else frames
        noisy = np.where(struck < share / 2, np.uint8(0), np.where(struck < share, np.uint8(255), noisy))
        return Made(frames, noisy, float(sigma))
    return make


def hot_pixels(share, sigma=0):
    """The same pixels of the sensor are too bright in all frames, each in one colour or all."""
    def make(frames, rng):
        shape = frames.shape[1:3]
        hot = (rng.random(shape) < share)[..., None] & (rng.random((*shape, 3)) < 0.6)
        light = rng.uniform(100, 255, (*shape, 3))
        noisy = np.where(hot, np.maximum(light, frames), frames + sigma * normal(frames, rng))
        return Made(frames, to_bytes(noisy), float(sigma))
    return make


class Kind(NamedTuple):
    make: Callable
    impulses: bool = False  # pixels that say nothing


KINDS = {
    **{f"white {s}": Kind(white(s)) for s in (2, 5, 15, 25, 50)},
    "luma white 10": Kind(luma_white(10)),
    "brightening 2 to 15": Kind(brightening(2, 15)),
    "camera, low": Kind(camera(0.00012, 0.0008)),
    "camera, middle": Kind(camera(0.0005, 0.0015)),
    "camera, high": Kind(camera(0.0021, 0.004)),
    "camera, bilinear": Kind(camera(0.001, 0.002, demosaic_bilinear, 0.8)),
    "filmed, low": Kind(filmed(0.00012, 0.0008)),
    "filmed, middle": Kind(filmed(0.0005, 0.0015)),
    "filmed, high": Kind(filmed(0.0021, 0.004)),
    "white 15, enlarged, cubic": Kind(enlarged(15, cv2.INTER_CUBIC)),
    "white 15, enlarged, lanczos": Kind(enlarged(15, cv2.INTER_LANCZOS4)),
    "correlated 10": Kind(correlated(10, 1)),
    "grain": Kind(grain(10)),
    "alike in planes 3": Kind(alike_in_planes(3)),
    "alike in planes 8": Kind(alike_in_planes(8)),
    "chroma blotches 10": Kind(blotches(8, 10, 4)),
    "white 20, black bars": Kind(surrounded(20, "letterbox", 0)),
    "white 20, black pillars": Kind(surrounded(20, "pillarbox", 0)),
    "white 20, quiet bars": Kind(surrounded(20, "letterbox", 1)),
    "white 20, inset": Kind(surrounded(20, "inset", 1)),
    "salt and pepper 5 %": Kind(salt_and_pepper(0.05), True),
    "salt and pepper 5 %, channels": Kind(salt_and_pepper(0.05, True), True),
    "salt and pepper 1 %, white 10": Kind(salt_and_pepper(0.01, False, 10), True),
    "hot pixels": Kind(hot_pixels(0.002), True),
    "hot pixels, white 5": Kind(hot_pixels(0.002, 5), True),
    "noise 15 enlarged, cubic": Kind(noise_enlarged(15, cv2.INTER_CUBIC)),  # the noise of a kind hangs on its place: new ones come last
}


def make(kind, frames, seed=1):
    return KINDS[kind].make(frames, np.random.default_rng([seed, list(KINDS).index(kind)]))


# What is clean, as it is and as a codec leaves it: name of the way -> function of a clip.
WAYS = {"raw": lambda frames: frames, **{f"x264 q{q}": (lambda frames, q=q: clean.compressed(frames, q)) for q in (15, 22, 30)}}


def asked(name, words):
    return not words or any(word in name for word in words.split(","))


def write(folder, name, made, as_clip):
    path = os.path.join(folder, name.replace(" ", "_").replace(",", "").replace("%", "percent"))
    Image.fromarray(np.concatenate([made.truth[-1], made.noisy[-1]], 1)).save(path + ".png")
    if as_clip:
        _, height, width, _ = made.noisy.shape
        command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", "-",
                   "-pix_fmt", "yuv444p", path + ".y4m"]
        subprocess.run(command, input=made.noisy.tobytes(), check=True)
    print(f"{path}.png: RMS {made.rms:.2f}, after clipping and compression {rms(made.noisy.astype(np.float32) - made.truth):.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT", help="folder")
    parser.add_argument("--kind", default="", help="only kinds whose name contains one of these words, comma-separated; `clean` for those without noise")
    parser.add_argument("--clip", default="", help="only clips whose name contains one of these words")
    parser.add_argument("--pictures", help="folder of pictures to use instead of the photographs and films")
    parser.add_argument("--y4m", action="store_true", help="the noisy clip as well")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    clips = clean.pictures_in(args.pictures) if args.pictures else clean.PHOTOGRAPHIC
    if not clips:
        sys.exit("noise_material: no pictures; install opencv-doc, or name a folder with --pictures")
    clips = {name: get for name, get in clips.items() if asked(name, args.clip)}
    for name, get in clips.items():
        frames = get()
        for kind in KINDS:
            if asked(kind, args.kind):
                write(args.out, f"{kind} {name}", make(kind, frames, args.seed), args.y4m)
    for name, get in {**clean.SCREEN, **clips}.items():
        if asked(name, args.clip) and asked("clean", args.kind):
            for way, change in WAYS.items():
                frames = get()
                write(args.out, f"clean {name} {way}", Made(frames, change(frames), 0.0), args.y4m)


if __name__ == "__main__":
    main()
