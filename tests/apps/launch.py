#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""gst-launch-1.0: files through the element, and an interrupted live pipeline."""
import signal
import subprocess

import hosts
from hosts import FRAMES, HEIGHT, RESTORE, WIDTH


def gst(line, **more):
    return hosts.tool("gst-launch-1.0", *line.split(), **more)


class GstLaunch(hosts.Case):
    def through(self, clip, middle, name):
        """Frames of the clip's picture after `middle`, and how many the element restored."""
        _, restored = gst(f"filesrc location={clip} ! decodebin ! videoconvert ! {middle} ! y4menc ! "
                          f"filesink location={self.path(name)}")
        return (*hosts.y4m(self.path(name)), restored)

    def test_restores_each_frame_of_a_file(self):
        clip = self.clip(sound=False)
        size, plain, none = self.through(clip, "identity", "plain.y4m")
        self.assertEqual((size, len(plain), none), ((WIDTH, HEIGHT), FRAMES, 0))
        size, restored, count = self.through(clip, RESTORE, "restored.y4m")
        self.assertEqual((size, len(restored), count), ((WIDTH, HEIGHT), FRAMES, FRAMES))
        self.assertTrue(all(a != b for a, b in zip(plain, restored)))

    def test_enlarges(self):
        size, frames, count = self.through(self.clip("mp4", sound=False), f"{RESTORE} task=super-resolution scale=2", "big.y4m")
        self.assertEqual((size, len(frames), count), ((2 * WIDTH, 2 * HEIGHT), FRAMES, FRAMES))

    def test_strength_0_changes_nothing(self):
        clip = self.clip(sound=False)
        plain = self.through(clip, "identity", "plain.y4m")
        self.assertEqual(self.through(clip, f"{RESTORE} strength=0", "same.y4m"), plain)

    def test_transcodes_with_sound(self):
        clip, result = self.clip(), self.path("result.mp4")
        gst(f"filesrc location={clip} ! decodebin name=d  d. ! queue ! videoconvert ! {RESTORE} ! x264enc ! mp4mux name=m ! "
            f"filesink location={result}  d. ! queue ! audioconvert ! avenc_aac ! m.")
        before, after = hosts.decoded(clip), hosts.decoded(result)
        self.assertEqual(len(after), FRAMES)
        self.contiguous(after.times)
        self.assertEqual(after.sizes, before.sizes)

    def test_interrupted_it_still_ends_its_file(self):
        result = self.path("live.mp4")
        command = (f"gst-launch-1.0 -e videotestsrc is-live=true num-buffers=300 ! {hosts.raw()} ! {RESTORE} "
                   f"post-messages=true ! x264enc tune=zerolatency ! mp4mux ! filesink location={result}")
        with subprocess.Popen(command.split() + ["-m"], stdout=subprocess.PIPE, text=True) as process:
            seen = 0
            for line in process.stdout:
                seen += "reddiff-stats" in line
                if seen == 10 and "reddiff-stats" in line:
                    process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(hosts.WITHIN), 0)
        frames = hosts.decoded(result)
        self.assertIn(seen, range(10, 300), "interrupted, not played to its end")
        self.assertEqual(len(frames), seen)

    def test_refuses_nonsense_in_words(self):
        said, _ = gst(f"videotestsrc num-buffers=1 ! {RESTORE} operator=nonsense ! fakesink", fails=True)
        self.assertIn("average-pool", said, "the operators that there are")
        self.assertEqual(said.count("ERROR: from element"), 1, said)


if __name__ == "__main__":
    hosts.main()
