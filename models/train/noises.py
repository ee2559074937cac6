# SPDX-License-Identifier: LGPL-2.1-or-later
"""Noise that is not a camera's: enlarged, correlated, film grain, blotches of colour; and white, so that taking one for the other costs little.

Each takes (scene, level, rng) and gives (noisy, clean), as camera.py does; `level` is the RMS in code values.
"""
import numpy as np

from camera import LUMA, log_uniform, resized


def filtered(noise, transfer):
    """Periodic noise through a filter given by its response to a frequency (cycles a pixel, squared); deviation 1."""
    fy, fx = np.fft.fftfreq(noise.shape[0])[:, None], np.fft.fftfreq(noise.shape[1])[None, :]
    out = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) * transfer(fy**2 + fx**2)[:, :, None], axes=(0, 1)).real
    return (out / out.std()).astype(np.float32)


def gaussian(sigma):
    return lambda f2: np.exp(-2 * np.pi**2 * sigma**2 * f2)


def normal(shape, rng):
    return rng.standard_normal(shape).astype(np.float32)


def enlarged(scene, level, rng):
    """White noise on a smaller picture that was enlarged, or only the noise was."""
    height, width = scene.shape[:2]
    factor = rng.uniform(1.5, 2)
    small = [-(-n // factor) + 2 for n in (height, width)]
    noise = resized(normal((int(small[0]), int(small[1]), 3), rng), factor)[:height, :width]
    clean = scene
    if rng.random() < 0.5:
        clean = np.clip(resized(resized(scene, 1 / factor), factor * 1.03)[:height, :width], 0, 255)
    return clean + level * noise / noise.std(), clean


def correlated(scene, level, rng):
    return scene + level * filtered(normal(scene.shape, rng), gaussian(rng.uniform(0.5, 1.5))), scene


def grain(scene, level, rng):
    """Band-passed, mostly of luma, strongest in the middle tones, as of scanned film."""
    fine, coarse = rng.uniform(0.4, 1), rng.uniform(2, 5)
    band = lambda f2: gaussian(fine)(f2) - rng.uniform(0.5, 1) * gaussian(coarse)(f2)
    noise = filtered(normal((*scene.shape[:2], 1), rng), band) + rng.uniform(0, 0.5) * filtered(normal(scene.shape, rng), band)
    tone = (scene @ LUMA / 255)[:, :, None]
    noise *= 0.3 + np.sqrt(4 * tone * (1 - tone)).clip(0, 1)
    return scene + level * noise / noise.std(), scene


def blotches(scene, level, rng):
    """Patches of wrong colour beneath finer noise of luma."""
    colour = filtered(normal(scene.shape, rng), gaussian(rng.uniform(1.5, 4)))
    colour -= (colour @ LUMA)[:, :, None]
    luma = filtered(normal((*scene.shape[:2], 1), rng), gaussian(rng.uniform(0, 0.7)))
    noise = luma + rng.uniform(0.5, 1.5) * colour / colour.std()
    return scene + level * noise / noise.std(), scene


def white(scene, level, rng):
    return scene + level * normal(scene.shape, rng), scene


KINDS = {f.__name__: f for f in (enlarged, correlated, grain, blotches, white)}


def quiet_level(noisy, clean, cell=8):
    """RMS of the error where the picture itself is quiet: in half of its cells, those whose clean picture changes least. That is what
    can be estimated without knowing the clean picture."""
    height, width = (n // cell * cell for n in clean.shape[:2])
    cells = lambda x: x[:height, :width].reshape(height // cell, cell, width // cell, cell, -1)
    error = np.square(cells(noisy - clean)).mean((1, 3, 4)).ravel()
    busy = cells(clean).std((1, 3)).mean(-1).ravel()
    return float(np.sqrt(error[np.argsort(busy, kind="stable")[: len(busy) // 2]].mean()))


def draw_level(rng):
    return log_uniform(rng, 1, 30)
