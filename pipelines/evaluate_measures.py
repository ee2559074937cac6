# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a restored video is judged by: uint8 frames [T,H,W,3] against the truth; `where`: [T,H,W] bool, only these pixels, or None."""
import cv2
import numpy as np
from skimage.metrics import structural_similarity


def psnr(frames, truth, where=None):
    """dB, one value a frame; NaN where nothing is asked for."""
    values = np.full(len(frames), np.nan)
    for t, (frame, true) in enumerate(zip(frames, truth)):
        error = (frame.astype(np.float32) - true) ** 2
        asked = error if where is None else error[where[t]]
        if asked.size:
            values[t] = 10 * np.log10(255.0**2 / max(float(asked.mean()), 1e-6))
    return values


def ssim(frames, truth):
    """Mean structural similarity with Wang's window (Gaussian, 1.5 pixels), over colours and frames."""
    options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=2)
    return float(np.mean([structural_similarity(f, t, **options) for f, t in zip(frames, truth)]))


def flicker(frames, truth, where=None):
    """RMS of the change of the error from frame to frame, 8-bit units."""
    if len(frames) < 2:
        return float("nan")
    change = np.diff(frames.astype(np.float32) - truth, axis=0)
    return float(np.sqrt(np.mean((change if where is None else change[where[1:] & where[:-1]]) ** 2)))


class Motion:
    """Of the truth, from every frame to the one before (dense inverse search), and where it can be believed."""

    def __init__(self, truth):
        search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        grey = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in truth]
        height, width = grey[0].shape
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        self.maps, self.believed = [], []
        for now, before, now_true, before_true in zip(grey[1:], grey, truth[1:], truth):
            flow = search.calc(now, before, None)
            place = (x + flow[..., 0], y + flow[..., 1])
            inside = (place[0] >= 0) & (place[0] <= width - 1) & (place[1] >= 0) & (place[1] <= height - 1)
            miss = np.abs(now_true.astype(np.float32) - self._take(before_true, place)).mean(2)
            self.maps.append(place)
            self.believed.append(inside & (miss < 10))

    @staticmethod
    def _take(picture, place, how=cv2.INTER_CUBIC):
        return cv2.remap(picture, *place, how, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)

    def warp_error(self, frames):
        """RMS difference to the previous frame moved along the truth's motion, 8-bit units."""
        if len(frames) < 2:
            return float("nan")
        powers = [np.mean((now.astype(np.float32) - self._take(before, place))[ok] ** 2)
                  for now, before, place, ok in zip(frames[1:], frames, self.maps, self.believed)]
        return float(np.sqrt(np.mean(powers)))

    def uncovered(self, missing):
        """[T,H,W]: missing pixels whose content was seen, here or moved along, in an earlier frame; not where no motion explains them."""
        seen = np.empty(missing.shape, bool)
        seen[0] = ~missing[0]
        for t, (place, believed) in enumerate(zip(self.maps, self.believed), 1):
            moved = cv2.remap(seen[t - 1].astype(np.uint8), *place, cv2.INTER_NEAREST, borderValue=0) > 0
            seen[t] = ~missing[t] | (moved & believed)
        return missing & seen
