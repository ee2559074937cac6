# SPDX-License-Identifier: LGPL-2.1-or-later
"""What task=restore makes of H.264 and HEVC at three qualities: clips are encoded by ffmpeg, decoded and restored by gst-launch from
the MP4 file, so that the element sees the stream's own tags."""
import re
import subprocess
import tempfile

import numpy as np

import evaluate_measures as measures

CODECS = {"H.264": ("libx264", [], "h264parse ! avdec_h264"),
          "HEVC": ("libx265", ["-x265-params", "log-level=none"], "h265parse ! avdec_h265")}
QUALITIES = (23, 30, 37)  # constant rate factor: high, middle, low


def ffmpeg(arguments, data):
    return subprocess.run(["ffmpeg", "-v", "error", *arguments], input=data, check=True, capture_output=True).stdout


def restored(path, parse, shape, element):
    """Frames as RGB, and what gst-launch said."""
    line = f"filesrc location={path} ! qtdemux ! {parse} ! {element} videoconvert ! video/x-raw,format=RGB ! filesink location={path}.rgb"
    done = subprocess.run(["gst-launch-1.0", "-m", *line.split()], check=True, capture_output=True, text=True)
    return np.fromfile(f"{path}.rgb", np.uint8).reshape(-1, *shape), done.stdout


def rows(clip, seed):
    _, height, width, _ = clip.truth.shape
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    for codec, (encoder, options, parse) in CODECS.items():
        for quality in QUALITIES:
            with tempfile.TemporaryDirectory() as folder:
                path = f"{folder}/clip.mp4"
                ffmpeg([*raw, "-c:v", encoder, "-crf", str(quality), "-pix_fmt", "yuv420p", *options, path], clip.truth.tobytes())
                before, _ = restored(path, parse, clip.truth.shape[1:], "")
                after, text = restored(path, parse, clip.truth.shape[1:], f"reddiff task=restore steps=2 seed={seed} post-messages=true !")
            noise = float(re.findall(r"noise=\(double\)([0-9.e+]+)", text)[-1])
            psnr = [measures.psnr(frames, clip.truth, None).mean() for frames in (before, after)]
            yield codec, quality, noise, *psnr


def print_table(clips, seed):
    print("\n| restore compressed | quality | level | decoded, dB | restored, dB | gain |\n|---|---|---|---|---|---|")
    for clip in clips:
        for codec, quality, noise, before, after in rows(clip, seed):
            print(f"| {clip.name} | {codec} crf {quality} | {noise:.1f} | {before:.2f} | {after:.2f} | {after - before:+.2f} |", flush=True)
