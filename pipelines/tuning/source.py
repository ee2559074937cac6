# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the video comes from, and the launch lines made of it: the pipeline of the page and the one to copy are the same words."""
import os
import re
import shlex

from gi.repository import Gst

from properties import word

LIVE_SCHEMES = ("rtsp", "rtsps", "rtspt", "rtspu", "rtmp", "srt", "udp", "whep")
# Sound is not decoded.
DECODE = ["expose-all-streams=false", "caps=video/x-raw(ANY)"]


class Source:
    """A file, a URI or a camera. `live` sources cannot be sought, and lose what there is no time for."""

    def __init__(self, name):
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", name)
        if not scheme and not os.path.exists(name):
            raise FileNotFoundError(f"no such file: {name}")
        self.name = name
        self.is_file = False
        if re.match(r"/dev/video\d+$", name):
            self.live, self._head = True, ["v4l2src", word("device", name), "!", "decodebin"]
            return
        self.live = bool(scheme) and scheme[1].lower() in LIVE_SCHEMES
        self.is_file = not self.live
        uri = name if scheme else Gst.filename_to_uri(os.path.abspath(name))
        self._head = ["uridecodebin", word("uri", uri), *DECODE]

    def _restoring(self, values, *names):
        waiting = ["queue", "leaky=downstream", "max-size-buffers=1", "!"] if self.live else []
        return [*self._head, "!", "videoconvert", "!", *waiting, "reddiff", *names,
                *(word(name, text) for name, text in values.items())]

    def pipeline(self, values):
        """Words of the page's own pipeline, for Gst.parse_launchv."""
        return [*self._restoring(values, "name=restorer"), "!", "appsink", "name=sink", "sync=false", "max-buffers=1",
                "caps=video/x-raw"]

    def line(self, values):
        """The line to copy: a file becomes a file, live video is shown."""
        tail = ["videoconvert", "!", "x264enc", "!", "mp4mux", "!", "filesink", "location=restored.mp4"] if self.is_file else \
            ["queue", "!", "videoconvert", "!", "autovideosink"]
        line = shlex.join(["gst-launch-1.0", "-e", *self._restoring(values), "!", *tail]).replace("'!'", "!")
        plugins = os.environ.get("GST_PLUGIN_PATH_1_0")
        return f"export GST_PLUGIN_PATH_1_0={shlex.quote(plugins)}\n{line}" if plugins else line
