#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two webrtcbins of one process: restored before it is sent, and restored when it has arrived."""
import hosts
from hosts import FRAMES, HEIGHT, RESTORE, WIDTH, Gst

GstWebRTC, GstSdp = hosts.need("GstWebRTC", "GstSdp")
if not all(Gst.ElementFactory.find(name) for name in ("webrtcbin", "nicesrc", "dtlsenc", "srtpenc")):
    print("no webrtcbin with nice, dtls and srtp: run pipelines/setup")
    raise SystemExit(hosts.SKIP)

CAPS = "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"


class Call:
    """`before` sits in front of the encoder of one side, `after` behind the decoder of the other."""

    def __init__(self, before, after):
        self.a = hosts.launch(f"videotestsrc is-live=true pattern=ball ! {hosts.raw()} ! {before} ! "
                              f"vp8enc deadline=1 keyframe-max-dist=8 ! rtpvp8pay pt=96 ! {CAPS} ! webrtcbin name=w")
        self.b = Gst.Pipeline.new(None)
        self.after = Gst.parse_bin_from_description(
            f"rtpvp8depay ! vp8dec ! videoconvert name=c ! {after} ! fakesink name=s sync=false", True)
        self.arrived = hosts.Frames(self.after.get_by_name("c").get_static_pad("src"))
        self.frames = hosts.Frames(self.after.get_by_name("s").get_static_pad("sink"))
        self.sender = self.a.get_by_name("w")
        self.receiver = Gst.ElementFactory.make("webrtcbin")
        self.b.add(self.receiver)
        self.receiver.connect("pad-added", self._arrived)
        self.replies = []  # what is read from a reply points into it
        # Kept: Python takes over the floating reference that webrtcbin has to its agent.
        self.agents = [side.get_property("ice-agent") for side in (self.sender, self.receiver)]
        for agent in self.agents:
            agent.emit("add-local-ip-address", "127.0.0.1")
        for one, other in (self.sender, self.receiver), (self.receiver, self.sender):
            one.connect("on-ice-candidate", lambda _, line, text, to: to.emit("add-ice-candidate", line, text), other)
        self.sender.connect("on-negotiation-needed", self._offer)

    def _ask(self, side, signal, *arguments):
        promise = Gst.Promise.new()
        side.emit(signal, *arguments, promise)
        promise.wait()
        self.replies.append(promise.get_reply())
        return self.replies[-1]

    def _offer(self, sender):
        # Off the streaming thread: `wait` would wait for this very thread.
        Gst.Element.call_async(sender, self._agree)

    def _agree(self, sender, *_):
        offer = self._ask(sender, "create-offer", None).get_value("offer")
        self._ask(sender, "set-local-description", offer)
        self._ask(self.receiver, "set-remote-description", offer)
        answer = self._ask(self.receiver, "create-answer", None).get_value("answer")
        self._ask(self.receiver, "set-local-description", answer)
        self._ask(sender, "set-remote-description", answer)

    def _arrived(self, _, pad):
        if pad.direction == Gst.PadDirection.SRC:
            self.b.add(self.after)
            self.after.sync_state_with_parent()
            pad.link(self.after.get_static_pad("sink"))

    def run(self, frames):
        try:
            for pipeline in self.b, self.a:
                pipeline.set_state(Gst.State.PLAYING)
            hosts.wait_for(lambda: len(self.frames) >= frames)
            for pipeline in self.a, self.b:
                message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
                if message:
                    raise AssertionError(message.parse_error())
        finally:
            for pipeline in self.a, self.b:
                pipeline.set_state(Gst.State.NULL)


class WebRtc(hosts.Case):
    def call(self, before="identity", after="identity"):
        call = Call(before, after)
        hosts.kept.append(call)
        call.run(FRAMES)
        # A receiver that catches up gives several frames one time.
        self.assertEqual(call.frames.times, sorted(call.frames.times))
        self.assertEqual(call.frames.times, call.arrived.times[:len(call.frames)])
        return call

    def test_sent_restored(self):
        call = self.call(before=f"{RESTORE} task=super-resolution")
        self.assertEqual(set(call.frames.sizes), {(2 * WIDTH, 2 * HEIGHT)})
        self.assertGreaterEqual(hosts.stat(hosts.restorer(call.a)), FRAMES)

    def test_restored_on_arrival(self):
        call = self.call(after=f"{RESTORE} task=restore noise=-1")
        self.assertEqual(set(call.frames.sizes), {(WIDTH, HEIGHT)})
        # The last frame may have been restored for a sink that had stopped.
        self.assertIn(hosts.stat(hosts.restorer(call.b)) - len(call.frames), (0, 1))


if __name__ == "__main__":
    hosts.main()
