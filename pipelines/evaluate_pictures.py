# SPDX-License-Identifier: LGPL-2.1-or-later
"""One picture to look at: the last frame as it came in, restored in two or more ways, and as it was."""

import cv2
import numpy as np

BAR = 18  # pixels above each picture, for its name


def tile(frame, name, width, height):
    """Enlarged without smoothing, so that nothing is seen that is not there."""
    picture = cv2.resize(frame[..., :3], (width, height), interpolation=cv2.INTER_NEAREST)
    bar = np.zeros((BAR, width, 3), np.uint8)
    cv2.putText(bar, name, (4, BAR - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return np.concatenate([bar, picture])


def write(path, named, enlarge=1):
    """named: (name, uint8 RGB [H,W,3 or more]) from the input to the truth; two in a row, all of the truth's size times `enlarge`."""
    height, width = (side * enlarge for side in named[-1][1].shape[:2])
    tiles = [tile(frame, name, width, height) for name, frame in named]
    if len(tiles) % 2:
        tiles.append(np.zeros_like(tiles[0]))
    rows = [np.concatenate(tiles[i:i + 2], 1) for i in range(0, len(tiles), 2)]
    cv2.imwrite(path, cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR))
