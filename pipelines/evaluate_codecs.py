# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the element makes of compressed clips without a setting. H.264 and HEVC at three qualities are encoded by ffmpeg, decoded and
restored by gst-launch from the MP4 file: with `reddiffbitstream` in front of the decoder, so that the element sees the quantisers, and
without, so that it sees the stream's tags; JPEG by jpegenc, with it, so that it sees the tables. And the same enlarged: clips are reduced by
two before they are encoded, and what leaves the decoder is enlarged by the element and by Lanczos."""
import re
import subprocess
import tempfile

import cv2
import numpy as np

import evaluate_measures as measures

CODECS = {"H.264": ("libx264", [], "h264parse", "avdec_h264"),
          "HEVC": ("libx265", ["-x265-params", "log-level=none"], "h265parse", "avdec_h265")}
TOLD_BY = {"tags": "", "quantisers": "reddiffbitstream !"}
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


def encoded(frames, codec, quality, path):
    """Frames of that size in an MP4 file, and launch lines up to the decoder by what tells the element of the quantiser."""
    _, height, width, _ = frames.shape
    encoder, options, parse, decode = CODECS[codec]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", "-"]
    ffmpeg([*raw, "-y", "-c:v", encoder, "-crf", str(quality), "-pix_fmt", "yuv420p", *options, path], frames.tobytes())
    return {by: f"filesrc location={path} ! qtdemux ! {parse} ! {element} {decode}" for by, element in TOLD_BY.items()}


def streams(truth, folder):
    """Name, and a launch line up to the decoder."""
    _, height, width, _ = truth.shape
    for codec in CODECS:
        for quality in QUALITIES:
            for by, decoded in encoded(truth, codec, quality, f"{folder}/clip.mp4").items():
                yield f"{codec} crf {quality}, {by}", decoded
    truth.tofile(f"{folder}/clip.rgb")
    source = f"filesrc location={folder}/clip.rgb blocksize={width * height * 3} ! rawvideoparse format=rgb width={width} height={height}"
    for quality in JPEG_QUALITIES:
        yield (f"JPEG {quality}, tables", f"{source} framerate=25/1 ! videoconvert ! {AS_JPEG} ! jpegenc quality={quality} ! jpegparse ! "
               "reddiffbitstream ! jpegdec")


def as_text(properties):
    return " ".join(f"{name}={value}" for name, value in properties.items())


def rows(clip, properties):
    element = as_text(properties)
    with tempfile.TemporaryDirectory() as folder:
        for name, decoded in streams(clip.truth, folder):
            before, _ = restored(decoded, folder, clip.truth.shape[1:], "")
            after, text = restored(decoded, folder, clip.truth.shape[1:], f"reddiff {element} post-messages=true !")
            noise = float(re.findall(r" noise=\(double\)([0-9.e+]+)", text)[-1])
            psnr = [measures.psnr(frames, clip.truth, None).mean() for frames in (before, after)]
            yield name, (noise, *psnr)


def rows_enlarged(clip, properties):
    height, width = (side // 4 * 4 for side in clip.truth.shape[1:3])  # halves have halved chroma
    truth = np.ascontiguousarray(clip.truth[:, :height, :width])
    small = np.stack([cv2.resize(frame, (width // 2, height // 2), interpolation=cv2.INTER_AREA) for frame in truth])
    with tempfile.TemporaryDirectory() as folder:
        for codec in CODECS:
            for quality in QUALITIES:
                decoded = encoded(small, codec, quality, f"{folder}/clip.mp4")["quantisers"]
                frames, _ = restored(decoded, folder, small.shape[1:], "")
                lanczos = np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_LANCZOS4) for frame in frames])
                element = f"reddiff scale=2 {as_text(properties)} post-messages=true !"
                after, text = restored(decoded, folder, truth.shape[1:], element)
                noise = float(re.findall(r" noise=\(double\)([0-9.e+]+)", text)[-1])
                yield f"{codec} crf {quality}", (noise, *(measures.psnr(made, truth, None).mean() for made in (lanczos, after)))


def print_row(clip, name, noise, before, after):
    print(f"| {clip} | {name} | {noise:.1f} | {before:.2f} | {after:.2f} | {after - before:+.2f} |", flush=True)


def print_rows(clips, properties, make):
    found = {}
    for clip in clips:
        for name, values in make(clip, properties):
            print_row(clip.name, name, *values)
            found.setdefault(name, []).append(values)
    if len(clips) > 1:
        for name, values in found.items():
            print_row("mean", name, *np.mean(values, 0))


def print_table(clips, properties):
    print("\n| compressed | quality | level | decoded, dB | restored, dB | gain |\n|---|---|---|---|---|---|")
    print_rows(clips, properties, rows)
    print("\n| compressed, enlarged by two | quality | level | Lanczos, dB | enlarged, dB | gain |\n|---|---|---|---|---|---|")
    print_rows(clips, properties, rows_enlarged)
