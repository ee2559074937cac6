# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a camera would deliver of a scene: noise at the sensor, a Bayer mosaic, and all that is done to it up to the JPEG file.

`camera(scene, rng)` gives (delivered, wanted): `wanted` is the same picture with the same optics, tone, sharpening and size, but without
noise, mosaic, denoising and JPEG. So the difference is what the camera did wrong, not what its maker wanted. Pictures are numpy
arrays, height x width x 3, code values 0..255; everything is drawn from `rng`, so a seed tells all.
"""
import io

import numpy as np
from PIL import Image

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
CROSS = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
TENT = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
# Malvar, He, Cutler: High-quality linear interpolation for demosaicing (ICASSP 2004), in eighths.
GREEN = np.array([[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]) / 8
BESIDE = np.array([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]) / 8
ACROSS = np.array([[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]) / 8


def log_uniform(rng, low, high):
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def convolve(plane, kernel):
    """Borders are mirrored without their last line, which keeps the phase of a mosaic."""
    r = len(kernel) // 2
    padded = np.pad(plane, r, mode="reflect")
    height, width = plane.shape
    terms = (kernel[i, j] * padded[i : i + height, j : j + width] for i, j in zip(*np.nonzero(kernel)))
    return sum(terms, np.zeros_like(plane))


def blur(picture, sigma):
    """Gaussian, plane by plane."""
    r = max(1, round(3 * sigma))
    line = np.exp(-0.5 * (np.arange(-r, r + 1) / sigma) ** 2).astype(np.float32)
    line /= line.sum()
    for axis in (0, 1):
        width = [(r, r) if a == axis else (0, 0) for a in range(picture.ndim)]
        padded = np.pad(picture, width, mode="reflect")
        parts = (padded[i : i + picture.shape[0]] if axis == 0 else padded[:, i : i + picture.shape[1]] for i in range(2 * r + 1))
        picture = sum((w * part for w, part in zip(line, parts)), np.zeros_like(picture))
    return picture


def to_linear(x):
    return np.where(x <= 0.04045, x / 12.92, ((np.maximum(x, 0) + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_display(x):
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * np.maximum(x, 0.0031308) ** (1 / 2.4) - 0.055).astype(np.float32)


def bayer(shape, rng):
    """Masks of red, green and blue sites; one of the four phases."""
    y, x = np.mgrid[: shape[0], : shape[1]] + rng.integers(0, 2, (2, 1, 1))
    red, blue = (y % 2 == 0) & (x % 2 == 0), (y % 2 == 1) & (x % 2 == 1)
    return red, ~red & ~blue, blue


def bilinear(raw, masks):
    return [convolve(raw * m, k) for m, k in zip(masks, (TENT, CROSS, TENT))]


def gradient_corrected(raw, masks):
    red, green, blue = masks
    g = np.where(green, raw, convolve(raw, GREEN))
    row, column, across = (convolve(raw, k) for k in (BESIDE, BESIDE.T, ACROSS))
    red_row = red.any(1)[:, None]
    of = lambda own, in_row: np.where(own, raw, np.where(green, np.where(in_row, row, column), across))
    return [of(red, red_row), g, of(blue, ~red_row)]


def directed(raw, masks):
    """Hamilton and Adams: green along the direction that changes less, then the colours' differences to it."""
    green = masks[1]
    estimates, changes = [], []
    for along in (lambda k: k, lambda k: k.T):
        line = lambda taps: along(np.pad([taps], [(2, 2), (0, 0)]))
        bend = convolve(raw, line([-1, 0, 2, 0, -1]))
        estimates.append(convolve(raw, line([0, 0.5, 0, 0.5, 0])) + bend / 4)
        changes.append(np.abs(convolve(raw, line([0, 1, 0, -1, 0]))) + np.abs(bend))
    g = np.where(green, raw, np.where(changes[0] < changes[1], *estimates))
    colour = lambda m: g + convolve((raw - g) * m, TENT)
    return [colour(masks[0]), g, colour(masks[2])]


def sensor(scene, rng):
    """Linear scene, 0..1 -> what is read of it through the mosaic, with noise, all colours of every pixel guessed; linear, balanced.

    a: one electron in units of white. Shot noise is Poisson's, reading adds one to five electrons."""
    gains = np.array([rng.uniform(1.2, 2.4), 1, rng.uniform(1.2, 2.2)], np.float32)
    saturation = rng.uniform(0, 0.8)
    matrix = (1 + saturation) * np.eye(3) - saturation / 3
    a = log_uniform(rng, 2e-5, 1e-2)
    caught = np.maximum(scene @ np.linalg.inv(matrix).T.astype(np.float32), 0) / gains
    noisy = rng.poisson(caught / a) * a + rng.normal(0, a * rng.uniform(1, 5), caught.shape)
    masks = bayer(scene.shape, rng)
    raw = sum(m * noisy[:, :, k] * gains[k] for k, m in enumerate(masks)).astype(np.float32)
    demosaic = (bilinear, gradient_corrected, directed)[rng.choice(3, p=[0.2, 0.4, 0.4])]
    colours = np.stack(demosaic(np.minimum(raw, 1), masks), 2)
    return (colours @ matrix.T).astype(np.float32)


def bilateral(plane, spread, radius=2):
    total, weights = np.zeros_like(plane), np.zeros_like(plane)
    padded = np.pad(plane, radius, mode="reflect")
    for i in range(2 * radius + 1):
        for j in range(2 * radius + 1):
            other = padded[i : i + plane.shape[0], j : j + plane.shape[1]]
            weight = np.exp(-0.5 * ((other - plane) / spread) ** 2)
            total += weight * other
            weights += weight
    return total / weights


def shrink(plane, threshold, levels):
    """Wavelets without decimation, their coefficients moved towards zero."""
    result = np.zeros_like(plane)
    for level in range(levels):
        smooth = blur(plane, 0.8 * 2**level)
        detail = plane - smooth
        result += np.sign(detail) * np.maximum(np.abs(detail) - threshold * 0.6**level, 0)
        plane = smooth
    return result + plane


def denoised(picture, level, rng):
    """A camera's own denoising, stronger on colour than on luma, and what it leaves. `level`: RMS of the noise."""
    luma = picture @ LUMA
    colours = picture - luma[:, :, None]
    strength = log_uniform(rng, 0.4, 3) * level
    clean = bilateral(luma, strength + 1e-3) if rng.random() < 0.5 else shrink(luma, strength, 2)
    luma += rng.uniform(0, 0.95) * (clean - luma)
    if rng.random() < 0.5:
        smooth = np.stack([shrink(colours[:, :, k], 2 * strength, 3) for k in range(3)], 2)
    else:
        smooth = blur(colours, rng.uniform(0.7, 2.5))
    colours += rng.uniform(0.4, 1) * (smooth - colours)
    return luma[:, :, None] + colours


def sharpened(picture, amount, radius):
    return picture + amount * (picture - blur(picture, radius))


def resized(picture, factor):
    size = [round(n * factor) for n in picture.shape[1::-1]]
    planes = [Image.fromarray(np.ascontiguousarray(picture[:, :, k])).resize(size, Image.BICUBIC) for k in range(3)]
    return np.stack([np.asarray(plane) for plane in planes], 2)


def jpeg(picture, rng):
    file = io.BytesIO()
    quality, subsampling = int(rng.integers(70, 99)), int(rng.choice([0, 2]))
    Image.fromarray(picture.round().astype(np.uint8)).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file).convert("RGB")).astype(np.float32)


def camera(scene, rng, factor=1.0):
    """`factor`: of the last change of size. The scene should be sharp and free of noise, such as a photograph reduced."""
    linear = to_linear(blur(scene / 255, log_uniform(rng, 0.35, 1.6))) * rng.uniform(0.5, 1)
    wanted, delivered = (255 * to_display(np.clip(x, 0, 1)) for x in (linear, sensor(linear, rng)))
    if rng.random() < 0.6:
        delivered = denoised(delivered, (delivered - wanted).std(), rng)
    amount, radius = rng.choice([0, rng.uniform(0, 1.2)]), rng.uniform(0.6, 1.5)
    wanted, delivered = (sharpened(x, amount, radius) for x in (wanted, delivered))
    if factor != 1:
        wanted, delivered = (resized(x, factor) for x in (wanted, delivered))
    wanted, delivered = np.clip(wanted, 0, 255), np.clip(delivered, 0, 255).round()
    return (jpeg(delivered, rng) if rng.random() < 0.75 else delivered), wanted
