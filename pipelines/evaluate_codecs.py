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


def rows(clip, properties):
    _, height, width, _ = clip.truth.shape
    element = " ".join(f"{name}={value}" for name, value in {"task": "restore", "steps": 2, **properties}.items())
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    for codec, (encoder, options, parse) in CODECS.items():
        for quality in QUALITIES:
            with tempfile.TemporaryDirectory() as folder:
                path = f"{folder}/clip.mp4"
                ffmpeg([*raw, "-c:v", encoder, "-crf", str(quality), "-pix_fmt", "yuv420p", *options, path], clip.truth.tobytes())
                before, _ = restored(path, parse, clip.truth.shape[1:], "")
                after, text = restored(path, parse, clip.truth.shape[1:], f"reddiff {element} post-messages=true !")
            noise = float(re.findall(r"noise=\(double\)([0-9.e+]+)", text)[-1])
            psnr = [measures.psnr(frames, clip.truth, None).mean() for frames in (before, after)]
            yield f"{codec} crf {quality}", (noise, *psnr)


def print_row(clip, name, noise, before, after):
    print(f"| {clip} | {name} | {noise:.1f} | {before:.2f} | {after:.2f} | {after - before:+.2f} |", flush=True)


def print_table(clips, properties):
    print("\n| restore compressed | quality | level | decoded, dB | restored, dB | gain |\n|---|---|---|---|---|---|")
    found = {}
    for clip in clips:
        for name, values in rows(clip, properties):
            print_row(clip.name, name, *values)
            found.setdefault(name, []).append(values)
    if len(clips) > 1:
        for name, values in found.items():
            print_row("mean", name, *np.mean(values, 0))
