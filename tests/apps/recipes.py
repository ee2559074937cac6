#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/recipes: each is run as its first lines say, and what it made is looked at."""
import asyncio
import os
import shlex
import stat
import subprocess
import unittest

import hosts
from hosts import FRAMES, HEIGHT, WIDTH
import rtsp

try:
    import browser
    WEBRTC = browser.program() and all(hosts.Gst.ElementFactory.find(name) for name in ("webrtcbin", "nicesrc", "dtlsenc", "srtpenc"))
except ImportError:  # aiohttp
    WEBRTC = False

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "pipelines", "recipes")
RESTORE = ["prior=dct", "steps=2", "noise=10"]
LARGER = [*RESTORE, "task=super-resolution", "scale=2"]
LARGE = (2 * WIDTH, 2 * HEIGHT)


def recipe(name):
    return os.path.join(FOLDER, name)


class Recipes(hosts.Case):
    def run_recipe(self, name, *words, **environment):
        """How often the element restored a frame in it."""
        command = ["env", *(f"{key}={value}" for key, value in environment.items()), recipe(name), *words]
        return hosts.tool(*command)[1]

    def begin(self, name, *words):
        """A recipe that serves until the test ends; its first line of output says where."""
        process = subprocess.Popen([recipe(name), *words], stdout=subprocess.PIPE, text=True)
        for end in process.stdout.close, process.wait, process.terminate:
            self.addCleanup(end)
        return process

    def build(self, name):
        """Compiles a program by the command that its first lines give; returns its path."""
        with open(recipe(name), encoding="utf-8") as file:
            command = next(line[2:].strip() for line in file if line.startswith(("//   cc ", "//   c++ ")))
        subprocess.run(["sh", "-ec", f"{command.replace(' -o ', ' -Wall -Wextra -Werror -o ' + shlex.quote(self.folder) + '/')}"],
                       cwd=FOLDER, check=True, timeout=100)
        return self.path(os.path.splitext(name)[0])

    def check(self, path, size=(WIDTH, HEIGHT)):
        frames = hosts.decoded(path)
        self.assertEqual(frames.sizes, [size] * FRAMES)
        self.contiguous(frames.times)

    def test_each_says_how_it_is_used(self):
        for name in sorted(os.listdir(FOLDER)):
            with open(recipe(name), encoding="utf-8") as file:
                self.assertIn(os.path.splitext(name)[0], "".join(file.readlines()[:8]))
            script = not name.endswith((".c", ".cpp"))
            self.assertEqual(bool(os.stat(recipe(name)).st_mode & stat.S_IXUSR), script, name)

    def test_transcode(self):
        for sound in True, False:
            clip, result = self.clip(sound=sound), self.path("result.mp4")
            self.assertEqual(self.run_recipe("transcode", clip, result, *LARGER), FRAMES)
            self.check(result, LARGE)
            said = subprocess.run(["gst-discoverer-1.0", result], capture_output=True, text=True, check=True).stdout
            self.assertEqual("audio" in said, sound, said)

    def test_play(self):
        clip = self.path("a b.webm")
        os.rename(self.clip(), clip)
        restored = self.run_recipe("play", clip, *RESTORE, SINK="fakesink", AUDIO_SINK="fakesink")
        self.assertGreaterEqual(restored, FRAMES)

    def test_hls(self):
        folder = self.path("stream")
        self.assertEqual(self.run_recipe("hls", self.clip("mp4"), folder, *LARGER, SECONDS_PER_SEGMENT="1"), FRAMES)
        with open(os.path.join(folder, "index.m3u8"), encoding="ascii") as file:
            names = [line.strip() for line in file if not line.startswith("#") and line.strip()]
        self.assertEqual(names, ["00000.ts"])
        self.assertEqual(hosts.decoded(os.path.join(folder, names[0])).sizes, [LARGE] * FRAMES)

    def test_edit(self):
        result = self.path("result.webm")
        clips = [self.clip("mp4", name=f"{index}.mp4", sound=False) for index in range(2)]
        self.run_recipe("edit", result, *clips, "--", *LARGER, SIZE=f"width={LARGE[0]},height={LARGE[1]},framerate=25/1")
        frames = hosts.decoded(result)
        self.assertEqual(frames.sizes, [LARGE] * (2 * FRAMES))
        self.contiguous(frames.times)

    def test_virtual_camera_names_what_is_missing(self):
        """Needs a kernel module; without it the sentence says how to load it."""
        done = subprocess.run([recipe("virtual-camera"), self.path("x.mp4"), "/dev/video987"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^virtual-camera: there is no device /dev/video987: sudo modprobe v4l2loopback video_nr=987 .*\n$")

    def test_rtsp_camera(self):
        camera = rtsp.Server(f"videotestsrc is-live=true pattern=ball ! {hosts.raw()} ! {rtsp.PAY}")
        self.addCleanup(camera.stop)
        process = self.begin("rtsp-camera.py", f"rtsp://127.0.0.1:{camera.server.get_bound_port()}/video", "--port", "0", *LARGER)
        client = hosts.launch(f"rtspsrc location={process.stdout.readline().strip()} protocols=tcp latency=0 ! rtph264depay ! "
                              "avdec_h264 ! fakesink name=s sync=false")
        frames = hosts.Frames(client.get_by_name("s").get_static_pad("sink"))
        with hosts.stopping(client):
            client.set_state(hosts.Gst.State.PLAYING)
            hosts.wait_for(lambda: len(frames) >= FRAMES)
        self.assertEqual(set(frames.sizes), {LARGE})

    @unittest.skipUnless(WEBRTC, "no python3-aiohttp, chromium, or webrtcbin with nice")
    def test_webrtc(self):
        clip = self.path("long.webm")  # long enough for the two sides to agree
        hosts.play(hosts.launch(f"videotestsrc num-buffers=1000 pattern=ball ! {hosts.raw()} ! vp8enc deadline=1 ! webmmux ! "
                                f"filesink location={clip}"))
        process = self.begin("webrtc.py", clip, "--port", "0", *LARGER)
        address = process.stdout.readline().strip()

        async def watch():
            async with browser.Browser() as page:
                await page.open(address)
                await page.until("document.querySelector('video')?.currentTime > 0.2")
                return await page.run("document.querySelector('video').videoWidth"), page.errors

        for _ in range(2):  # a viewer after another has gone
            self.assertEqual(asyncio.run(watch()), (LARGE[0], []))

    def test_application_in_python(self):
        said, restored = hosts.tool(recipe("application.py"), *RESTORE)
        before, after = (float(word.rstrip(",")) for word in said.split() if word.rstrip(",").replace(".", "").isdigit())
        self.assertLess(after, before * 0.75)
        self.assertEqual(restored, 8)

    def test_application_in_c(self):
        program, result = self.build("application.c"), self.path("result.mp4")
        said, restored = hosts.tool(program, self.clip(sound=False), result, *(" ".join(LARGER).replace("=", " ").split()))
        self.assertEqual(restored, FRAMES)
        self.assertIn(f"{FRAMES} frames, noise 10.0", said)
        self.check(result, LARGE)
        said, _ = hosts.tool(program, self.clip(sound=False), result, "operator", "no-such", fails=True)
        self.assertIn("no-such", said)

    @unittest.skipUnless(os.path.exists("/usr/include/opencv4/opencv2/videoio.hpp"), "no libopencv-videoio-dev: run pipelines/setup")
    def test_opencv(self):
        said, restored = hosts.tool(self.build("opencv.cpp"), hosts.uri(self.clip(sound=False)), *LARGER)
        self.assertEqual(restored, FRAMES)
        self.assertIn(f"{FRAMES} frames of {LARGE[0]}x{LARGE[1]}", said)


if __name__ == "__main__":
    hosts.main()
