#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Transcoders: uritranscodebin and the library GstTranscoder (the tool gst-transcoder-1.0 takes no filter)."""
import hosts
from hosts import FRAMES, HEIGHT, RESTORE, WIDTH, Gst

GLib, GstTranscoder = hosts.need("GLib", "GstTranscoder")
PROFILES = {
    "webm": "video/webm:video/x-vp8:audio/x-vorbis",
    "mp4": "video/quicktime,variant=iso:video/x-h264:audio/mpeg,mpegversion=4",
}


def set_filter(pipeline, effect):
    """1.22's uritranscodebin unrefs the filter it does not have yet, which is a critical."""
    fatal = GLib.log_set_always_fatal(GLib.LogLevelFlags.LEVEL_ERROR)
    pipeline.set_property("video-filter", effect)
    GLib.log_set_always_fatal(fatal)


class Transcode(hosts.Case):
    def compare(self, source, result, scale=1):
        before, after = hosts.decoded(source), hosts.decoded(result)
        self.assertEqual(len(before), FRAMES)
        self.assertEqual(after.sizes, [(scale * WIDTH, scale * HEIGHT)] * FRAMES)
        self.contiguous(after.times)

    def bin(self, source, result, profile, effect):
        pipeline = hosts.launch("uritranscodebin")
        pipeline.set_property("source-uri", hosts.uri(source))
        pipeline.set_property("dest-uri", hosts.uri(result))
        Gst.util_set_object_arg(pipeline, "profile", profile)
        set_filter(pipeline, Gst.parse_bin_from_description(effect, True))
        return pipeline

    def test_uritranscodebin(self):
        for kind, profile in PROFILES.items():
            source, result = self.clip(), self.path(f"result.{kind}")
            pipeline = self.bin(source, result, profile, RESTORE)
            with hosts.stopping(pipeline):
                pipeline.set_state(Gst.State.PLAYING)
                hosts.until(pipeline)
                self.assertEqual(hosts.stat(hosts.restorer(pipeline)), FRAMES)
            self.compare(source, result)

    def test_uritranscodebin_enlarges(self):
        source, result = self.clip("mp4"), self.path("result.webm")
        hosts.play(self.bin(source, result, PROFILES["webm"], f"{RESTORE} task=super-resolution"))
        self.compare(source, result, scale=2)

    def test_library(self):
        source, result = self.clip(), self.path("result.webm")
        transcoder = GstTranscoder.Transcoder.new(hosts.uri(source), hosts.uri(result), PROFILES["webm"])
        hosts.kept.append(transcoder)
        pipeline = transcoder.get_pipeline()
        effect = Gst.parse_bin_from_description(RESTORE, True)
        set_filter(pipeline, effect)
        transcoder.run_async()
        kind = GstTranscoder.TranscoderMessage
        hosts.library_ends(transcoder.get_message_bus(),
                           lambda message: message.get_structure().get_value("transcoder-message-type"),
                           kind.DONE, kind.ERROR)
        self.assertEqual(hosts.stat(hosts.restorer(effect)), FRAMES)
        self.compare(source, result)


if __name__ == "__main__":
    hosts.main()
