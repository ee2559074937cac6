#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""recipes/application.py: pictures of an application's own, as numpy arrays, through the element and back.

`Restorer(width, height, "noise=20")` and then `restorer(picture)` for each frame of a video, in order; a picture is
[height, width, 3] of uint8, R'G'B'. Called as a program it restores a drawing with noise and says what that has gained.
"""
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("GST_PLUGIN_PATH_1_0", os.path.join(FOLDER, "..", "..", "build", "gst-plugin"))

import gi  # noqa: E402 (GStreamer reads the variable)
gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401 (GstApp gives appsrc and appsink their methods)

# Before what is written in C++ (PIL, OpenCV, torch) is imported: see pipelines/DECISIONS.md, "GStreamer is initialised before PIL".
Gst.init(None)
import numpy  # noqa: E402


class Restorer:
    """A stream of pictures of one size; `properties` as in a launch line. The output may be larger, as by scale=2."""

    def __init__(self, width, height, properties="", rate=25):
        caps = f"video/x-raw,format=RGB,width={width},height={height},framerate={rate}/1"
        self._pipeline = Gst.parse_launch(f"appsrc name=in format=time caps={caps} ! reddiff {properties} ! "
                                          "video/x-raw,format=RGB ! appsink name=out sync=false")
        self._source, self._sink = (self._pipeline.get_by_name(name) for name in ("in", "out"))
        self._shape, self._step, self._next = (height, width, 3), Gst.SECOND // rate, 0
        self._pipeline.set_state(Gst.State.PLAYING)

    def __call__(self, picture):
        if picture.shape != self._shape or picture.dtype != numpy.uint8:
            raise ValueError(f"a picture is {self._shape} of uint8, not {picture.shape} of {picture.dtype}")
        height, width, _ = picture.shape
        rows = numpy.zeros((height, (width * 3 + 3) // 4 * 4), numpy.uint8)  # rows begin at multiples of four bytes
        rows[:, :width * 3] = picture.reshape(height, width * 3)
        buffer = Gst.Buffer.new_wrapped(rows.tobytes())
        buffer.pts, buffer.duration = self._next, self._step
        self._next += self._step
        self._source.push_buffer(buffer)
        return self._taken()

    def _taken(self):
        while not (sample := self._sink.try_pull_sample(100 * Gst.MSECOND)):
            message = self._pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
            if message:
                raise RuntimeError(message.parse_error()[0].message)
        caps, buffer = sample.get_caps().get_structure(0), sample.get_buffer()
        height, width = caps.get_value("height"), caps.get_value("width")
        rows = numpy.frombuffer(buffer.extract_dup(0, buffer.get_size()), numpy.uint8).reshape(height, -1)
        return rows[:, :width * 3].reshape(height, width, 3)

    def close(self):
        self._pipeline.set_state(Gst.State.NULL)


def main():
    y, x = numpy.mgrid[:90, :121]
    clean = numpy.stack([128 + 80 * numpy.sin(x / 9 + shift) * numpy.cos(y / 7) for shift in (0, 1, 2)], axis=2)
    draw, errors = numpy.random.default_rng(1), []
    restorer = Restorer(121, 90, " ".join(sys.argv[1:]))
    for _ in range(8):
        noisy = numpy.clip(clean + draw.normal(0, 20, clean.shape), 0, 255).astype(numpy.uint8)
        errors.append([numpy.sqrt(numpy.mean((picture - clean) ** 2)) for picture in (noisy, restorer(noisy))])
    restorer.close()
    before, after = numpy.mean(errors, axis=0)
    print(f"root mean square error before: {before:.1f}, after: {after:.1f}")


if __name__ == "__main__":
    main()
