# SPDX-License-Identifier: LGPL-2.1-or-later
"""Short clips to be encoded: cut out of real footage, or photographs that are moved, half of them behind a second layer that moves by itself.

Frames are height x width x 3 uint8, R'G'B'; all is drawn from `rng`.
"""
import math
from functools import lru_cache

import av
import cv2
import numpy as np
from PIL import Image

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@lru_cache(maxsize=6)
def footage(path):
    with av.open(str(path)) as container:
        container.streams.video[0].thread_count = 1
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@lru_cache(maxsize=32)
def photograph(path):
    return np.asarray(Image.open(path).convert("RGB"))


def reduced(picture, factor, size):
    """By `factor`, but to no less than size (height, width)."""
    height, width = picture.shape[:2]
    factor = min(factor, height / size[0], width / size[1])
    if factor == 1:
        return picture
    ends = (max(size[1], round(width / factor)), max(size[0], round(height / factor)))
    return cv2.resize(picture, ends, interpolation=cv2.INTER_AREA if factor > 1 else cv2.INTER_CUBIC)


def filmed(files, size, count, rng):
    """count frames in a row, or every second one, of a file; part of the picture, turned over now and then."""
    frames = footage(files[rng.integers(len(files))])
    pace = int(rng.choice([1, 2])) if len(frames) >= 2 * count else 1
    count = min(count, len(frames))
    first = rng.integers(len(frames) - (count - 1) * pace)
    factor = 1.0 if rng.random() < 0.4 else rng.uniform(1, 1.6)
    frames = [reduced(f, factor, size) for f in frames[first : first + (count - 1) * pace + 1 : pace]]
    top, left = (rng.integers(n - s + 1) for n, s in zip(frames[0].shape, size))
    frames = [f[top : top + size[0], left : left + size[1]] for f in frames]
    return [f[:, ::-1] for f in frames] if rng.random() < 0.5 else frames


def path_of(picture, size, count, rng):
    """One affine map a frame, from its pixels to those of the picture: a straight or bent way, perhaps turning, zooming, shaking."""
    speed = rng.choice([0, 0.3, 1, 2, 4, 8]) * rng.uniform(0.5, 1.2)
    angle = rng.uniform(0, 2 * math.pi)
    velocity = speed * np.array([math.cos(angle), math.sin(angle)])
    bend = rng.normal(0, 0.05 * speed, 2)
    turn, zoom = (rng.normal(0, s) if rng.random() < 0.4 else 0 for s in (0.006, 0.008))
    shake = rng.uniform(0, 0.7) if rng.random() < 0.4 else 0
    middle = np.array([rng.uniform(s / 2, max(s / 2, n - s / 2)) for n, s in zip(picture.shape[1::-1], size[::-1])])
    maps = []
    for t in np.arange(count) - count / 2:
        scale, cos, sin = (1 + zoom) ** t, math.cos(turn * t), math.sin(turn * t)
        matrix = scale * np.array([[cos, -sin], [sin, cos]])
        centre = middle + velocity * t + bend * t * t / 2 + shake * rng.normal(0, 1, 2)
        maps.append(np.column_stack([matrix, centre - matrix @ (np.array(size[::-1]) / 2)]))
    return maps


def warped(picture, to_picture, size):
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, to_picture, size[::-1], flags=flags, borderMode=cv2.BORDER_REFLECT_101)


def layer(files, size, rng):
    picture = reduced(photograph(files[rng.integers(len(files))]), rng.uniform(1, 1.6), size)
    if rng.random() < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1))
    return np.ascontiguousarray(picture[:, ::-1]) if rng.random() < 0.5 else picture


def moved(files, size, count, rng):
    """Photographs that move; half of the clips have a second one in front, in patches with sharp or soft borders."""
    back = layer(files, size, rng)
    frames = [warped(back, m, size) for m in path_of(back, size, count, rng)]
    if rng.random() < 0.5:
        front = layer(files, size, rng)
        coarse = rng.normal(0, 1, [rng.integers(2, 6)] * 2).astype(np.float32)
        mask = cv2.resize(coarse, front.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        mask = np.clip(0.5 + (mask - 0.4) * rng.uniform(4, 30), 0, 1)
        for t, m in enumerate(path_of(front, size, count, rng)):
            alpha = warped(mask, m, size)[:, :, None]
            mixed = frames[t] + alpha * (warped(front, m, size).astype(np.float32) - frames[t])
            frames[t] = np.clip(mixed, 0, 255).round().astype(np.uint8)
    return frames


def clip(real, photos, size, count, rng):
    """Half real, half moved photographs, where there are both; one in 25 is grey."""
    if real and (not photos or rng.random() < 0.5):
        frames = filmed(real, size, count, rng)
    else:
        frames = moved(photos, size, count, rng)
    if rng.random() < 0.04:
        frames = [np.repeat((f @ LUMA).round().astype(np.uint8)[:, :, None], 3, 2) for f in frames]
    return [np.ascontiguousarray(f) for f in frames]
