#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Editors: a timeline of GStreamer Editing Services with the element as an effect, and the tool ges-launch-1.0."""
import hosts
from hosts import FRAME_TIME, FRAMES, RESTORE, Gst

GES, GstController, GstPbutils = hosts.need("GES", "GstController", "GstPbutils")
GES.init()
# Twice the clips' size: a timeline scales whatever its effects give.
PROJECT = "video/x-raw,width=128,height=96,framerate=25/1"


class SinceFlush:
    """Frames that left an element since it was last flushed: a composition seeks once more when it is ready, by when any
    number of frames may have been restored for nothing."""

    def __init__(self, element):
        self.frames = 0
        element.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_FLUSH, self._seen)

    def _seen(self, _, info):
        self.frames = self.frames + 1 if info.type & Gst.PadProbeType.BUFFER else 0
        return Gst.PadProbeReturn.OK


class Editing(hosts.Case):
    def timeline(self, clips, effect):
        """The clips one after the other, each with its own effect."""
        timeline = GES.Timeline.new_audio_video()
        for track in timeline.get_tracks():
            if track.get_property("track-type") == GES.TrackType.VIDEO:
                track.set_restriction_caps(Gst.Caps.from_string(PROJECT))
        layer, effects = timeline.append_layer(), []
        for index, path in enumerate(clips):
            clip = GES.UriClip.new(hosts.uri(path))
            clip.set_start(index * FRAMES * FRAME_TIME)
            clip.set_duration(FRAMES * FRAME_TIME)
            self.assertTrue(layer.add_clip(clip))
            if effect:
                effects.append(GES.Effect.new(effect))
                self.assertTrue(clip.add(effects[-1]))
        timeline.commit()
        return timeline, effects

    def preview(self, timeline):
        pipeline = GES.Pipeline.new()
        pipeline.set_timeline(timeline)
        sink = hosts.launch("fakesink sync=false")
        pipeline.preview_set_video_sink(sink)
        pipeline.preview_set_audio_sink(hosts.launch("fakesink sync=false"))
        self.assertTrue(pipeline.set_mode(GES.PipelineFlags.FULL_PREVIEW))
        self.addCleanup(pipeline.set_state, Gst.State.NULL)
        return pipeline, hosts.Frames(sink.get_static_pad("sink"))

    def all_restored(self, *counts):
        self.assertEqual([count.frames for count in counts], [FRAMES] * len(counts))

    def test_effects_of_a_preview(self):
        clips = [self.clip("mp4", name=f"{i}.mp4") for i in range(2)]
        digests = []
        for effect in None, RESTORE:
            timeline, effects = self.timeline(clips, effect)
            pipeline, frames = self.preview(timeline)
            restored = [SinceFlush(hosts.restorer(e.get_nleobject())) for e in effects]
            hosts.play(pipeline)
            self.assertEqual(sorted(set(frames.times)), [i * FRAME_TIME for i in range(FRAMES * len(clips))])
            self.all_restored(*restored)
            digests.append(dict(zip(frames.times, frames.digests)))
        plain, restored = digests
        self.assertTrue(all(plain[t] != restored[t] for t in plain))

    def test_seeks_in_a_preview(self):
        timeline, effects = self.timeline([self.clip("mp4"), self.clip("mp4")], RESTORE)
        pipeline, frames = self.preview(timeline)
        hosts.settled(pipeline, Gst.State.PAUSED)
        for index in 30, 5, 45:  # in the second clip, in the first, in the second
            self.assertTrue(pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE,
                                                 index * FRAME_TIME))
            hosts.wait_for(lambda: frames.times[-1:] == [index * FRAME_TIME])
        frames.clear()
        pipeline.set_state(Gst.State.PLAYING)
        hosts.until(pipeline)
        self.assertEqual(frames.times[-1], (2 * FRAMES - 1) * FRAME_TIME)
        self.assertGreater(hosts.stat(hosts.restorer(effects[0].get_nleobject())), 0)

    def test_key_frames(self):
        """`strength` from 0 to 1 over the clip, as an editor's curve does it: the first frame is the input's."""
        digests = []
        for effect in None, RESTORE:
            timeline, effects = self.timeline([self.clip("mp4")], effect)
            for e in effects:
                curve = GstController.InterpolationControlSource.new()
                curve.set_property("mode", GstController.InterpolationMode.LINEAR)
                curve.set(0, 0)
                curve.set(FRAMES * FRAME_TIME, 1)
                self.assertTrue(e.set_control_source(curve, "strength", "direct-absolute"))
            pipeline, frames = self.preview(timeline)
            hosts.play(pipeline)
            digests.append(dict(zip(frames.times, frames.digests)))
        plain, restored = digests
        self.assertEqual([t for t in plain if plain[t] == restored[t]], [0])

    def test_renders_to_a_file(self):
        timeline, effects = self.timeline([self.clip("mp4")], f"{RESTORE} task=super-resolution")
        restored = SinceFlush(hosts.restorer(effects[0].get_nleobject()))
        result = self.path("result.webm")
        profile = GstPbutils.EncodingContainerProfile.new(None, None, Gst.Caps.from_string("video/webm"), None)
        profile.add_profile(GstPbutils.EncodingAudioProfile.new(Gst.Caps.from_string("audio/x-vorbis"), None, None, 0))
        profile.add_profile(GstPbutils.EncodingVideoProfile.new(Gst.Caps.from_string("video/x-vp8"), None, None, 0))
        pipeline = GES.Pipeline.new()
        pipeline.set_timeline(timeline)
        self.assertTrue(pipeline.set_render_settings(hosts.uri(result), profile))
        self.assertTrue(pipeline.set_mode(GES.PipelineFlags.RENDER))
        hosts.play(pipeline)
        self.all_restored(restored)
        frames = hosts.decoded(result)
        self.assertEqual(frames.sizes, [(128, 96)] * FRAMES)
        self.contiguous(frames.times)


class LaunchTool(hosts.Case):
    def test_plays(self):
        said, restored = hosts.tool("ges-launch-1.0", "--no-interactive", "+clip", self.clip("mp4"), "+effect", RESTORE,
                                    "--videosink=fakevideosink", "--audiosink=fakeaudiosink")
        self.assertGreater(restored, 0, said)  # against the clock: how many depends on the machine

    def test_renders(self):
        result = self.path("result.webm")
        said, restored = hosts.tool("ges-launch-1.0", "--no-interactive", "+clip", self.clip("mp4"), "+effect", RESTORE,
                                    "--video-caps", PROJECT, "--outputuri", hosts.uri(result),
                                    "--format=video/webm:video/x-vp8:audio/x-vorbis", since_flush=True)
        self.assertEqual(restored, FRAMES, said)
        frames = hosts.decoded(result)
        self.assertEqual(len(frames), FRAMES)
        self.contiguous(frames.times)


if __name__ == "__main__":
    hosts.main()
