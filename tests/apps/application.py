#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An application in Python: own frames in and out, a file with seeks and rates, presets, messages, recovery."""
import hosts
from hosts import FRAME_TIME, FRAMES, HEIGHT, RESTORE, WIDTH, Gst

import numpy

GstApp, GstController = hosts.need("GstApp", "GstController")


class OwnFrames(hosts.Case):
    """appsrc and appsink."""

    def through(self, pictures, effect):
        pipeline = hosts.launch(f"appsrc name=in format=time caps={hosts.raw(form='GRAY8')} ! {effect} ! appsink name=out")
        source, sink = pipeline.get_by_name("in"), pipeline.get_by_name("out")
        results, times = [], []
        with hosts.stopping(pipeline):
            pipeline.set_state(Gst.State.PLAYING)
            for index, picture in enumerate(pictures):
                buffer = Gst.Buffer.new_wrapped(picture.tobytes())
                buffer.pts, buffer.duration = 100 + index * FRAME_TIME, FRAME_TIME
                self.assertEqual(source.push_buffer(buffer), Gst.FlowReturn.OK)
            source.end_of_stream()
            while sample := sink.try_pull_sample(hosts.WITHIN * Gst.SECOND):
                buffer = sample.get_buffer()
                data = buffer.extract_dup(0, buffer.get_size())
                results.append(numpy.frombuffer(data, numpy.uint8).reshape(HEIGHT, WIDTH))
                times.append(buffer.pts)
            self.assertTrue(sink.is_eos())
            self.assertEqual(hosts.stat(hosts.restorer(pipeline)), len(pictures))
        self.assertEqual(times, [100 + i * FRAME_TIME for i in range(len(pictures))])
        return results

    def test_noise_is_less_afterwards(self):
        y, x = numpy.mgrid[:HEIGHT, :WIDTH]
        clean = 128 + 60 * numpy.sin(x / 9) * numpy.cos(y / 7)
        draw = numpy.random.default_rng(1)
        noisy = [numpy.clip(clean + draw.normal(0, 20, clean.shape), 0, 255).astype(numpy.uint8) for _ in range(8)]
        restored = self.through(noisy, RESTORE.replace("noise=10", "noise=20"))
        before, after = (numpy.sqrt(numpy.mean((numpy.stack(p) - clean) ** 2)) for p in (noisy, restored))
        self.assertLess(after, before / 2)


class Files(hosts.Case):
    def open(self, kind, effect=RESTORE):
        pipeline = hosts.launch(f"filesrc location={self.clip(kind, sound=False)} ! decodebin ! videoconvert ! {effect} ! "
                                "fakesink name=s")
        self.addCleanup(pipeline.set_state, Gst.State.NULL)
        hosts.settled(pipeline, Gst.State.PAUSED)
        return pipeline, hosts.Frames(pipeline.get_by_name("s").get_static_pad("sink"))

    def seek(self, pipeline, rate, start, stop):
        flags = Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE
        self.assertTrue(pipeline.seek(rate, Gst.Format.TIME, flags, Gst.SeekType.SET, start * FRAME_TIME,
                                      Gst.SeekType.SET, stop * FRAME_TIME))
        before = hosts.stat(hosts.restorer(pipeline))
        hosts.settled(pipeline, Gst.State.PLAYING)
        hosts.until(pipeline)
        self.assertGreater(hosts.stat(hosts.restorer(pipeline)), before)

    def test_seeks_and_rates(self):
        for kind in hosts.FORMATS:
            pipeline, frames = self.open(kind)
            for rate, start, stop in (1, 10, 20), (2, 5, 15), (0.5, 0, 8), (1, 3, 25):
                frames.clear()
                self.seek(pipeline, rate, start, stop)
                self.assertEqual(frames.times, [i * FRAME_TIME for i in range(start, stop)], kind)
                self.assertEqual(set(frames.rates), {rate})

    def test_backwards(self):
        for kind in hosts.FORMATS:
            pipeline, frames = self.open(kind)
            self.seek(pipeline, -1, 0, FRAMES)
            self.assertEqual(sorted(set(frames.times)), [i * FRAME_TIME for i in range(FRAMES)], kind)
            self.assertEqual(set(frames.rates), {-1})
            self.assertEqual(frames.times, sorted(frames.times, reverse=True), kind)

    def test_a_seek_starts_afresh(self):
        """What comes after a flush does not depend on what came before it."""
        pipeline, frames = self.open("mp4")
        digests = []
        for start in 0, 12:
            self.seek(pipeline, 1, start, start + 3)
            frames.clear()
            self.seek(pipeline, 1, 8, 16)
            digests.append(frames.digests[:])
        self.assertEqual(len(digests[0]), 8)
        self.assertEqual(digests[0], digests[1])


class Controls(hosts.Case):
    LINE = f"videotestsrc num-buffers=20 pattern=ball ! {hosts.raw()} ! {RESTORE} name=r ! fakesink name=s"

    def make(self, line=LINE):
        pipeline = hosts.launch(line)
        self.addCleanup(pipeline.set_state, Gst.State.NULL)
        return pipeline, pipeline.get_by_name("r"), hosts.Frames(pipeline.get_by_name("s").get_static_pad("sink"))

    def test_presets(self):
        _, element, _ = self.make()
        self.assertTrue({"live", "quality", "archive", "paper"} <= set(element.get_preset_names()))
        self.assertTrue(element.load_preset("archive"))
        self.assertEqual(element.get_property("preset").value_nick, "archive")

    def test_key_frames_reach_each_frame(self):
        pipeline, element, frames = self.make()
        plain, _, inputs = self.make(self.LINE.replace(RESTORE, f"{RESTORE} strength=0"))
        curve = GstController.InterpolationControlSource.new()
        curve.set_property("mode", GstController.InterpolationMode.NONE)
        for index, value in (0, 0), (5, 1), (10, 0), (15, 1):
            curve.set(index * FRAME_TIME, value)
        element.add_control_binding(GstController.DirectControlBinding.new_absolute(element, "strength", curve))
        for one in pipeline, plain:
            hosts.play(one)
        same = [a == b for a, b in zip(frames.digests, inputs.digests)]
        self.assertEqual(same, ([True] * 5 + [False] * 5) * 2)

    def test_statistics_as_messages(self):
        pipeline, element, frames = self.make()
        element.set_property("post-messages", True)
        heard = []
        bus = pipeline.get_bus()
        bus.enable_sync_message_emission()
        bus.connect("sync-message::element", lambda _, message: heard.append(message.get_structure().to_string()))
        hosts.play(pipeline)
        self.assertEqual(len(heard), 20)
        self.assertTrue(all(text.startswith("reddiff-stats") for text in heard), heard[0])

    def test_goes_on_with_a_warning(self):
        pipeline, element, frames = self.make(self.LINE.replace("num-buffers=20", "num-buffers=-1"))
        hosts.settled(pipeline, Gst.State.PLAYING)
        element.set_property("operator", "nonsense")
        message = hosts.until(pipeline, Gst.MessageType.WARNING)
        self.assertEqual(message.src, element)
        self.assertIn("average-pool", message.parse_warning()[0].message)
        before = len(frames)
        hosts.wait_for(lambda: len(frames) > before + 10)
        pipeline.set_state(Gst.State.NULL)
        self.contiguous(frames.times)

    def test_goes_on_after_its_error(self):
        pipeline, element, frames = self.make(self.LINE.replace("num-buffers=20", "num-buffers=-1"))
        element.set_property("operator", "nonsense")
        pipeline.set_state(Gst.State.PLAYING)
        message = hosts.until(pipeline, Gst.MessageType.ERROR)
        self.assertEqual(message.src, element)
        self.assertIn("average-pool", message.parse_error()[0].message)
        pipeline.set_state(Gst.State.NULL)
        element.set_property("operator", "")
        frames.clear()
        hosts.settled(pipeline, Gst.State.PLAYING)
        hosts.wait_for(lambda: len(frames) > 10)
        pipeline.set_state(Gst.State.NULL)
        self.contiguous(frames.times)


if __name__ == "__main__":
    hosts.main()
