#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""recipes/rtsp-camera.py rtsp://CAMERA [--port PORT] [PROPERTY=VALUE...]: serves a camera's video restored, to any number of clients.

The camera is opened when the first client comes and closed after the last. What there is no time for is left out.
"""
import argparse
import os

FOLDER = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("GST_PLUGIN_PATH_1_0", os.path.join(FOLDER, "..", "..", "build", "gst-plugin"))

import gi  # noqa: E402 (GStreamer reads the variable)
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__.partition(": ")[2])
parser.add_argument("camera")
parser.add_argument("values", nargs="*", metavar="PROPERTY=VALUE")
parser.add_argument("--port", default="8554")
options = parser.parse_intermixed_args()

Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory.new()
factory.set_shared(True)
factory.set_launch(f'( rtspsrc location="{options.camera}" latency=100 ! decodebin ! videoconvert ! '
                   f'queue leaky=downstream max-size-buffers=1 ! reddiff {" ".join(options.values)} ! videoconvert ! '
                   'video/x-raw,format=I420 ! x264enc tune=zerolatency speed-preset=superfast key-int-max=50 ! '
                   'rtph264pay name=pay0 config-interval=-1 )')
server = GstRtspServer.RTSPServer.new()
server.set_address("127.0.0.1")  # "0.0.0.0" lets other machines in
server.set_service(options.port)
server.get_mount_points().add_factory("/restored", factory)
if not server.attach(None):
    raise SystemExit(f"rtsp-camera: port {options.port} is taken")
print(f"rtsp://127.0.0.1:{server.get_bound_port()}/restored", flush=True)
try:
    GLib.MainLoop().run()
except KeyboardInterrupt:
    pass
