# SPDX-License-Identifier: LGPL-2.1-or-later
"""A frame that went into the element together with what came out of it, and both as pictures."""
import io
import time

import gi
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo  # noqa: E402 (the version comes first)
from PIL import Image  # noqa: E402

KEPT = 8  # frames on their way from the element to the page; more would take them from the pool of a camera
CONVERT_WITHIN = 10 * Gst.SECOND
RGB = "video/x-raw,format=RGB"


def readable(value):
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def statistics(element):
    """The element's `stats` as a dict."""
    structure = element.get_property("stats")
    names = [structure.nth_field_name(index) for index in range(structure.n_fields())]
    return {name: readable(structure.get_value(name)) for name in names}


class Shot:
    """Input and output of one frame. `time` is its stream time in nanoseconds, `ms` what the element took for it."""

    def __init__(self, sample, entry, ms, stats):
        segment, buffer = sample.get_segment(), sample.get_buffer()
        self.time = segment.to_stream_time(Gst.Format.TIME, buffer.pts)
        # A sample of one's own: after a flush appsink writes to the one it gave away.
        self.samples = {"input": Gst.Sample.new(*entry, segment, None), "output": Gst.Sample.new(buffer, sample.get_caps(), segment, None)}
        self.ms, self.stats = ms, stats
        info = sample.get_caps().get_structure(0)
        self.size = info.get_value("width"), info.get_value("height")
        known, numerator, denominator = info.get_fraction("framerate")
        self.duration = numerator and known and denominator * Gst.SECOND // numerator or Gst.SECOND // 25
        known, wide, high = info.get_fraction("pixel-aspect-ratio")
        self.aspect = self.size[0] / self.size[1] * (wide / high if known else 1)

    def picture(self, side, exact):
        """(media type, bytes) of the input or the output: PNG when it is to be exact, JPEG when it is to be fast."""
        sample = GstVideo.video_convert_sample(self.samples[side], Gst.Caps.from_string(RGB), CONVERT_WITHIN)
        info = sample.get_caps().get_structure(0)
        size = info.get_value("width"), info.get_value("height")
        buffer = sample.get_buffer()
        stride = (size[0] * 3 + 3) // 4 * 4  # GStreamer's rows of R'G'B' begin at multiples of four bytes
        image = Image.frombuffer("RGB", size, buffer.extract_dup(0, buffer.get_size()), "raw", "RGB", stride, 1)
        file = io.BytesIO()
        if exact:
            image.save(file, "PNG", compress_level=1)
            return "image/png", file.getvalue()
        image.save(file, "JPEG", quality=95, subsampling=0)
        return "image/jpeg", file.getvalue()


class Pairs:
    """Watches both pads of the element: which input, statistics and milliseconds belong to an output is known by its time."""

    def __init__(self, element):
        self._element, self._inputs, self._outputs = element, {}, {}
        self._began = 0.0
        element.get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, self._enters)
        element.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self._leaves)

    def _enters(self, pad, info):
        buffer = info.get_buffer()
        self._keep(self._inputs, buffer.pts, (buffer, pad.get_current_caps()))
        self._began = time.monotonic()
        return Gst.PadProbeReturn.OK

    def _leaves(self, _, info):
        pts, now = info.get_buffer().pts, time.monotonic()
        # A second field becomes a frame of its own, between the times of two inputs.
        before = [other for other in self._inputs if other <= pts]
        if before:
            self._keep(self._outputs, pts, (self._inputs[max(before)], (now - self._began) * 1000, statistics(self._element)))
        return Gst.PadProbeReturn.OK

    @staticmethod
    def _keep(kept, pts, entry):
        kept.pop(pts, None)  # so that the oldest stay the first
        kept[pts] = entry
        if len(kept) > KEPT:
            del kept[next(iter(kept))]

    def shot(self, sample):
        """What belongs to an output, or None when its input is gone."""
        found = self._outputs.pop(sample.get_buffer().pts, None)
        return found and Shot(sample, *found)
