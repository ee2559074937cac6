#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An RTSP server with the element in its factory, read by rtspsrc over the loopback."""
import threading

import hosts
from hosts import FRAMES, HEIGHT, RESTORE, WIDTH, Gst

GLib, GstRtspServer = hosts.need("GLib", "GstRtspServer")
PAY = "jpegenc ! rtpjpegpay name=pay0 pt=26"


class Server:
    """One mount point, served from a thread; `media` are the pipelines it has made."""

    def __init__(self, line, shared=False):
        self.media = []
        self.server = GstRtspServer.RTSPServer.new()
        self.server.set_address("127.0.0.1")
        self.server.set_service("0")  # any free port
        factory = GstRtspServer.RTSPMediaFactory.new()
        factory.set_launch(f"( {line} )")
        factory.set_shared(shared)
        factory.connect("media-configure", lambda _, media: self.media.append(media.get_element()))
        self.server.get_mount_points().add_factory("/video", factory)
        self.context = GLib.MainContext.new()
        self.loop = GLib.MainLoop.new(self.context, False)
        self.server.attach(self.context)
        self.thread = threading.Thread(target=self.loop.run)
        self.thread.start()
        hosts.kept.append(self)

    def stop(self):
        self.loop.quit()
        self.thread.join()

    def client(self, protocol="tcp"):
        pipeline = hosts.launch(
            f"rtspsrc location=rtsp://127.0.0.1:{self.server.get_bound_port()}/video protocols={protocol} latency=0 ! "
            "rtpjpegdepay ! jpegdec ! fakesink name=s sync=false")
        return pipeline, hosts.Frames(pipeline.get_by_name("s").get_static_pad("sink"))


class Rtsp(hosts.Case):
    def server(self, *args, **more):
        server = Server(*args, **more)
        self.addCleanup(server.stop)
        return server

    def test_serves_each_frame_of_a_file(self):
        server = self.server(f"filesrc location={self.clip(sound=False)} ! decodebin ! videoconvert ! {RESTORE} qos=false ! {PAY}")
        pipeline, frames = server.client()
        hosts.play(pipeline)
        self.assertEqual(frames.sizes, [(WIDTH, HEIGHT)] * FRAMES)
        self.assertEqual(frames.times, sorted(frames.times))  # the client smooths them
        # The media was paused once to describe itself, then flushed and begun again.
        self.assertIn(hosts.stat(hosts.restorer(server.media[0])), range(FRAMES, FRAMES + 4))

    def test_two_clients_of_one_live_source(self):
        server = self.server(f"videotestsrc is-live=true pattern=ball ! {hosts.raw()} ! {RESTORE} "
                             f"task=super-resolution ! {PAY}", shared=True)
        clients = [server.client("tcp"), server.client("udp")]
        try:
            for pipeline, _ in clients:
                pipeline.set_state(Gst.State.PLAYING)
            hosts.wait_for(lambda: all(len(frames) >= FRAMES for _, frames in clients))
            self.assertEqual(len(server.media), 1)
            restored = hosts.stat(hosts.restorer(server.media[0]))
        finally:
            for pipeline, _ in clients:
                pipeline.set_state(Gst.State.NULL)
        for _, frames in clients:
            self.assertEqual(set(frames.sizes), {(2 * WIDTH, 2 * HEIGHT)})
            self.assertEqual(frames.times, sorted(frames.times))
            self.assertGreaterEqual(restored, FRAMES)

    def test_comes_again_for_each_client(self):
        """Not shared: every client has a pipeline of its own, and gets the same pictures."""
        server = self.server(f"videotestsrc num-buffers=10 pattern=ball ! {hosts.raw()} ! {RESTORE} qos=false ! {PAY}")
        seen = []
        for _ in range(2):
            pipeline, frames = server.client()
            hosts.play(pipeline)
            seen.append(frames.digests)
        self.assertEqual(seen[0], seen[1])
        self.assertEqual(len(seen[0]), 10)
        self.assertEqual(len(server.media), 2)
        for media in server.media:
            self.assertGreaterEqual(hosts.stat(hosts.restorer(media)), 10)


if __name__ == "__main__":
    hosts.main()
