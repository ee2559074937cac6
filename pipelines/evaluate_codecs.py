# SPDX-License-Identifier: LGPL-2.1-or-later
"""What task=restore makes of compressed clips. H.264 and HEVC at three qualities are encoded by ffmpeg, decoded and restored by
gst-launch from the MP4 file, so that the element sees the stream's own tags; JPEG by jpegenc, with `reddiffbitstream` in front of the
decoder, so that it sees the tables."""
import re
import subprocess
import tempfile

import numpy as np

import evaluate_measures as measures

CODECS = {"H.264": ("libx264", [], "h264parse ! avdec_h264"),
          "HEVC": ("libx265", ["-x265-params", "log-level=none"], "h265parse ! avdec_h265")}
QUALITIES = (23, 30, 37)  # constant rate factor: high, middle, low
JPEG_QUALITIES = (90, 80, 60, 40, 20)
AS_JPEG = "video/x-raw,format=I420,colorimetry=1:4:0:0,chroma-site=jpeg"


def ffmpeg(arguments, data):
    return subprocess.run(["ffmpeg", "-v", "error", *arguments], input=data, check=True, capture_output=True).stdout


def restored(decoded, folder, shape, element):
    """Frames as RGB, and what gst-launch said. decoded: a launch line up to the decoder."""
    line = f"{decoded} ! {element} videoconvert ! video/x-raw,format=RGB ! filesink location={folder}/rgb"
    done = subprocess.run(["gst-launch-1.0", "-m", *line.split()], check=True, capture_output=True, text=True)
    return np.fromfile(f"{folder}/rgb", np.uint8).reshape(-1, *shape), done.stdout


def streams(truth, folder):
    """Name, and a launch line up to the decoder."""
    _, height, width, _ = truth.shape
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    for codec, (encoder, options, parse) in CODECS.items():
        for quality in QUALITIES:
            path = f"{folder}/clip.mp4"
            ffmpeg([*raw, "-y", "-c:v", encoder, "-crf", str(quality), "-pix_fmt", "yuv420p", *options, path], truth.tobytes())
            yield f"{codec} crf {quality}", f"filesrc location={path} ! qtdemux ! {parse}"
    truth.tofile(f"{folder}/clip.rgb")
    source = f"filesrc location={folder}/clip.rgb blocksize={width * height * 3} ! rawvideoparse format=rgb width={width} height={height}"
    for quality in JPEG_QUALITIES:
        yield (f"JPEG {quality}, tables", f"{source} framerate=25/1 ! videoconvert ! {AS_JPEG} ! jpegenc quality={quality} ! jpegparse ! "
               "reddiffbitstream ! jpegdec")


def rows(clip, properties):
    element = " ".join(f"{name}={value}" for name, value in {"task": "restore", "steps": 2, **properties}.items())
    with tempfile.TemporaryDirectory() as folder:
        for name, decoded in streams(clip.truth, folder):
            before, _ = restored(decoded, folder, clip.truth.shape[1:], "")
            after, text = restored(decoded, folder, clip.truth.shape[1:], f"reddiff {element} post-messages=true !")
            noise = float(re.findall(r"noise=\(double\)([0-9.e+]+)", text)[-1])
            psnr = [measures.psnr(frames, clip.truth, None).mean() for frames in (before, after)]
            yield name, (noise, *psnr)


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
