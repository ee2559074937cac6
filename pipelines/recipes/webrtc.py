#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""recipes/webrtc.py FILE|URI [--port PORT] [PROPERTY=VALUE...]: restored video to a browser, by WebRTC.

Open the printed address. Every viewer has a pipeline of its own. Needs Debian's python3-aiohttp, gstreamer1.0-nice and the bindings
that pipelines/setup installs. The offer is sent with all its candidates, so that no further signalling is needed.
"""
import argparse
import asyncio
import itertools
import os
import socket

FOLDER = os.path.dirname(os.path.abspath(__file__))
os.environ.setdefault("GST_PLUGIN_PATH_1_0", os.path.join(FOLDER, "..", "..", "build", "gst-plugin"))

import gi  # noqa: E402 (GStreamer reads the variable)
gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

Gst.init(None)
from aiohttp import web  # noqa: E402

CAPS = "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"
PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>reddiff</title><link rel="icon" href="data:,">
<video autoplay muted playsinline controls style="width: 100%"></video>
<script>
(async () => {
  const peer = new RTCPeerConnection();
  peer.ontrack = event => { document.querySelector("video").srcObject = event.streams[0] ?? new MediaStream([event.track]); };
  const {viewer, sdp} = await (await fetch("offer", {method: "POST"})).json();
  await peer.setRemoteDescription({type: "offer", sdp});
  await peer.setLocalDescription();
  while (peer.iceGatheringState !== "complete")
    await new Promise(resolve => peer.addEventListener("icegatheringstatechange", resolve, {once: true}));
  await fetch(`answer/${viewer}`, {method: "POST", body: peer.localDescription.sdp});
})();
</script>
"""


class Viewer:
    """A pipeline and the talk with one browser; methods may wait, and are called off the server's thread."""

    def __init__(self, uri, properties):
        self._pipeline = Gst.parse_launch(
            f'uridecodebin uri="{uri}" expose-all-streams=false caps=video/x-raw(ANY) ! videoconvert ! clocksync ! '
            f"queue leaky=downstream max-size-buffers=1 ! reddiff {properties} ! videoconvert ! queue ! "
            f"vp8enc deadline=1 keyframe-max-dist=50 ! rtpvp8pay pt=96 ! {CAPS} ! webrtcbin name=peer bundle-policy=max-bundle")
        self._peer = self._pipeline.get_by_name("peer")
        self._asked = []  # what is read from a reply points into it

    def _ask(self, signal, *arguments):
        promise = Gst.Promise.new()
        self._peer.emit(signal, *arguments, promise)
        promise.wait()
        self._asked.append(promise.get_reply())
        return self._asked[-1]

    def offer(self):
        """The offer, once all addresses are known at which this side can be reached."""
        self._pipeline.set_state(Gst.State.PLAYING)
        self._pipeline.get_state(10 * Gst.SECOND)
        self._ask("set-local-description", self._ask("create-offer", None).get_value("offer"))
        bus = self._pipeline.get_bus()
        while self._peer.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            message = bus.timed_pop_filtered(20 * Gst.MSECOND, Gst.MessageType.ERROR)
            if message:
                raise web.HTTPInternalServerError(text=message.parse_error()[0].message)
        return self._peer.get_property("local-description").sdp.as_text()

    def answer(self, text):
        _, message = GstSdp.SDPMessage.new_from_text(text)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self._ask("set-remote-description", description)

    def has_gone(self):
        state = GstWebRTC.WebRTCPeerConnectionState
        return self._peer.get_property("connection-state") in (state.DISCONNECTED, state.FAILED, state.CLOSED)

    def close(self):
        self._pipeline.set_state(Gst.State.NULL)


def application(uri, properties):
    viewers, numbers, run = {}, itertools.count(), asyncio.to_thread

    async def page(_):
        return web.Response(text=PAGE, content_type="text/html")

    async def offer(_):
        for gone in [number for number, viewer in viewers.items() if viewer.has_gone()]:
            await run(viewers.pop(gone).close)
        number = next(numbers)
        viewers[number] = Viewer(uri, properties)
        return web.json_response({"viewer": number, "sdp": await run(viewers[number].offer)})

    async def answer(request):
        viewer = viewers.get(int(request.match_info["viewer"]))
        if not viewer:
            raise web.HTTPNotFound()
        await run(viewer.answer, await request.text())
        return web.Response()

    async def close(_):
        for viewer in viewers.values():
            viewer.close()

    made = web.Application()
    made.add_routes([web.get("/", page), web.post("/offer", offer), web.post(r"/answer/{viewer:\d{1,9}}", answer)])
    made.on_cleanup.append(close)
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition(": ")[2])
    parser.add_argument("source")
    parser.add_argument("values", nargs="*", metavar="PROPERTY=VALUE")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_intermixed_args()
    uri = options.source if "://" in options.source else Gst.filename_to_uri(os.path.abspath(options.source))
    listener = socket.create_server(("127.0.0.1", options.port))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    web.run_app(application(uri, " ".join(options.values)), sock=listener, print=None)


if __name__ == "__main__":
    main()
