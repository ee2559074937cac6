# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes bicubic_reference.txt: pictures and what Pillow's BICUBIC makes of them when it reduces them by a whole factor.

Run with Pillow and numpy installed; written with Pillow 13. Mode F: no rounding, values 0..1. Each case is a line
"factor height width", the rows of the picture, then the rows of the result.
"""
import pathlib

import numpy as np
from PIL import Image

CASES = [(2, 16, 12), (2, 2, 8), (3, 15, 9), (4, 16, 24), (4, 4, 4), (5, 10, 15), (8, 24, 16)]


def rows(array):
    return "\n".join(" ".join(f"{v:.9g}" for v in row) for row in array)


def main():
    generator = np.random.default_rng(7)
    lines = []
    for factor, height, width in CASES:
        picture = generator.integers(0, 1001, (height, width)).astype(np.float32) / np.float32(1000)
        image = Image.fromarray(picture)
        assert image.mode == "F"
        small = np.asarray(image.resize((width // factor, height // factor), Image.Resampling.BICUBIC))
        lines += [f"{factor} {height} {width}", rows(picture), rows(small)]
    (pathlib.Path(__file__).parent / "bicubic_reference.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
