#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Players: playbin and playbin3 (`video-filter`), the library GstPlay, the tool gst-play-1.0 (in front of the sink)."""
import hosts
from hosts import FRAMES, HEIGHT, RESTORE, WIDTH, Gst

GstPlay, = hosts.need("GstPlay")


class Player:
    """A playbin without a screen; `frames` is what it would show, `then` the file it goes on to."""

    def __init__(self, factory, path, effect=RESTORE, sync=False, then=None):
        self.parts = factory, path, effect, sync, then
        self.make()

    def make(self):
        factory, path, effect, sync, then = self.parts
        self.bin = Gst.ElementFactory.make(factory)
        self.effect = Gst.parse_bin_from_description(effect, True) if effect else None
        sink = hosts.launch(f"fakesink sync={sync}")
        self.frames = hosts.Frames(sink.get_static_pad("sink"))
        self.bin.set_property("uri", hosts.uri(path))
        self.bin.set_property("video-filter", self.effect)
        self.bin.set_property("video-sink", sink)
        self.bin.set_property("audio-sink", hosts.launch("fakesink sync=false"))
        rest = [then] if then else []
        self.bin.connect("about-to-finish", lambda bin: rest and bin.set_property("uri", hosts.uri(rest.pop())))

    def preroll(self):
        """To PAUSED. 1.22's decodebin3 hangs now and then before it has linked anything: anew then, and only then."""
        for _ in range(5):
            self.frames.clear()
            self.bin.set_state(Gst.State.PAUSED)
            self.bin.get_state(hosts.WITHIN // 6 * Gst.SECOND)
            if any(element.get_name() == "vbin" for element in hosts.everything(self.bin)):
                break
            self.stop()
            self.make()
        hosts.settled(self.bin, Gst.State.PAUSED)

    def stop(self):
        self.bin.set_state(Gst.State.NULL)

    def play(self):
        self.preroll()
        hosts.play(self.bin)


class PlaybinTests:
    factory, kinds = None, ()

    def player(self, *args, **more):
        player = Player(self.factory, *args, **more)
        self.addCleanup(player.stop)
        return player

    def test_shows_each_frame_restored(self):
        for kind in self.kinds:
            clip = self.clip(kind)
            plain, restored = self.player(clip, effect=None), self.player(clip)
            for player in plain, restored:
                player.play()
            self.assertEqual(len(plain.frames), FRAMES)
            self.assertEqual(restored.frames.times, plain.frames.times)
            self.assertEqual(restored.frames.sizes, plain.frames.sizes)
            self.assertTrue(all(a != b for a, b in zip(plain.frames.digests, restored.frames.digests)))
            self.assertEqual(hosts.stat(hosts.restorer(restored.effect)), FRAMES)

    def test_enlarges(self):
        player = self.player(self.clip(self.kinds[0]), effect=f"{RESTORE} task=super-resolution scale=3")
        player.play()
        self.assertEqual(player.frames.sizes, [(3 * WIDTH, 3 * HEIGHT)] * FRAMES)

    def test_keeps_time_against_the_clock(self):
        player = self.player(self.clip(self.kinds[0]), sync=True)
        player.preroll()
        hosts.settled(player.bin, Gst.State.PLAYING)
        hosts.until(player.bin)
        # A late frame may be dropped before it is restored; what was restored is shown, and never out of order.
        self.assertEqual(hosts.stat(hosts.restorer(player.effect)), len(player.frames))
        self.assertGreater(len(player.frames), 0)  # how many depends on the machine
        self.assertEqual(player.frames.times, sorted(set(player.frames.times)))

    def test_seeks(self):
        player = self.player(self.clip(self.kinds[0]))
        player.preroll()
        element = hosts.restorer(player.effect)
        for index in 20, 3, 11:
            player.frames.clear()
            self.assertTrue(player.bin.seek_simple(
                Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, index * hosts.FRAME_TIME))
            hosts.settled(player.bin, Gst.State.PAUSED)
            self.assertEqual(player.frames.times[-1], index * hosts.FRAME_TIME)
        player.bin.set_state(Gst.State.PLAYING)
        hosts.until(player.bin)
        self.contiguous(player.frames.times)
        self.assertEqual(len(player.frames), FRAMES - 11)
        self.assertGreaterEqual(hosts.stat(element, "resets-flush"), 3)


class Playbin(PlaybinTests, hosts.Case):
    factory, kinds = "playbin", ("webm", "mp4")

    def test_the_filter_is_put_in_and_taken_out(self):
        """playsink takes another filter when it is set up again."""
        player = self.player(self.clip(self.kinds[0]), effect=None)
        effect = Gst.parse_bin_from_description(RESTORE, True)
        digests = []
        for chosen in None, effect, None:
            player.bin.set_property("video-filter", chosen)
            player.play()
            digests.append(player.frames.digests[:])
        self.assertEqual(digests[0], digests[2])
        self.assertEqual([len(d) for d in digests], [FRAMES] * 3)
        self.assertFalse(set(digests[0]) & set(digests[1]))


class Playbin3(PlaybinTests, hosts.Case):
    factory, kinds = "playbin3", ("mp4",)  # of WebM its decodebin3 hangs far more often: see preroll()

    def test_goes_on_to_the_next_file(self):
        """Without a gap; the second file has another size."""
        first, second = self.clip("mp4", name="first.mp4"), self.clip("mp4", width=96, height=80)
        player = self.player(first, then=second)
        player.play()
        self.assertEqual(player.frames.sizes, [(WIDTH, HEIGHT)] * FRAMES + [(96, 80)] * FRAMES)
        self.assertEqual(hosts.stat(hosts.restorer(player.effect)), 2 * FRAMES)


class PlayLibrary(hosts.Case):
    def test_plays_to_the_end_restored(self):
        play = GstPlay.Play.new(None)
        hosts.kept.append(play)
        pipeline = play.get_pipeline()
        sink = hosts.launch("fakesink sync=false")
        frames = hosts.Frames(sink.get_static_pad("sink"))
        pipeline.set_property("video-filter", Gst.parse_bin_from_description(RESTORE, True))
        pipeline.set_property("video-sink", sink)
        pipeline.set_property("audio-sink", hosts.launch("fakesink sync=false"))
        play.set_uri(hosts.uri(self.clip()))
        play.play()
        kind = GstPlay.PlayMessage
        hosts.library_ends(play.get_message_bus(), kind.parse_type, kind.END_OF_STREAM, kind.ERROR)
        self.assertEqual(hosts.stat(hosts.restorer(pipeline)), FRAMES)
        self.assertEqual(len(frames), FRAMES)
        self.contiguous(frames.times)
        play.stop()


class PlayTool(hosts.Case):
    def test_shows_a_list_of_files(self):
        clips = [self.clip(kind) for kind in hosts.FORMATS]
        shown = self.path("shown.y4m")
        said, restored = hosts.tool(
            "gst-play-1.0", "--no-interactive", *clips, "--audiosink=fakesink",
            f"--videosink={RESTORE} qos=false ! tee name=t ! queue ! fakevideosink  "
            f"t. ! queue ! y4menc ! filesink location={shown}")
        self.assertEqual(restored, FRAMES * len(clips), said)
        self.assertEqual(said.count("Reached end of play list."), 1, said)
        self.assertNotIn("ERROR", said)


if __name__ == "__main__":
    hosts.main()
