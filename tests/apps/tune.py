#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/tune: the page of input and output, asked over HTTP as a browser does, and in a headless Chromium."""
import asyncio
import hashlib
import io
import json
import os
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import hosts
from hosts import FRAME_TIME, FRAMES, Gst
import rtsp

try:
    import aiohttp  # noqa: F401
    from PIL import Image
except ImportError as missing:
    print(f"{missing}: install Debian's python3-aiohttp and python3-pil")
    sys.exit(hosts.SKIP)

import browser

TUNE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "pipelines", "tune")
BEGIN = ["prior=dct", "noise=10"]
# The name of the clip says whether a line to copy is quoted for both, the shell and GStreamer.
NAME = "a b'!\"\\$c.mp4"


class Tuner:
    """A running server, and requests to it."""

    def __init__(self, *words):
        self.process = subprocess.Popen([TUNE, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.process.stdout.readline().strip()

    def close(self):
        self.process.terminate()
        self.process.wait(hosts.WITHIN)
        self.process.stdout.close()

    def ask(self, path, body=None, headers=None, base=None):
        """(status, media type, bytes) of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request((base or self.address) + path, data, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=hosts.WITHIN) as answer:
                return answer.status, answer.headers.get_content_type(), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get_content_type(), error.read()

    def json(self, path, body=None):
        status, _, data = self.ask(path, body)
        return status, json.loads(data)

    def state(self):
        return self.json("state")[1]

    def until(self, condition):
        """The first state for which it holds."""
        end = time.monotonic() + hosts.WITHIN
        state = self.state()
        while not condition(state):
            if time.monotonic() > end:
                raise AssertionError(f"not within {hosts.WITHIN} s: {state}")
            state = self.json(f"state?after={state['revision']}")[1]
        return state

    def settled(self):
        """The state once nothing more is to come."""
        return self.until(lambda state: not state["busy"])

    def act(self, action, value=0):
        return self.json("transport", {"action": action, "value": value})[1]

    def set(self, name, value):
        """The settled state after a property was set."""
        status, said = self.json("set", {"name": name, "value": value})
        if status != 200:
            raise AssertionError(said)
        return self.settled()

    def pictures(self, state):
        """Pixels of input and output of the frame that is shown."""
        found = []
        for side in "input", "output":
            status, kind, data = self.ask(f"picture/{state['frame']}/{side}")
            if (status, kind) != (200, "image/png"):
                raise AssertionError(f"{status} {kind}")
            found.append(Image.open(io.BytesIO(data)).tobytes())
        return found


class OnAClip(hosts.Case):
    """Each test has a server of its own on a noisy clip; frames of a clip differ."""

    def setUp(self):
        super().setUp()
        self.file = self.path(NAME)
        pipeline = hosts.launch(f"videotestsrc num-buffers={FRAMES} pattern=ball background-color=0xff808080 ! {hosts.raw()} ! "
                                "reddiffdegrade noise=15 seed=1 ! videoconvert ! x264enc tune=zerolatency pass=quant quantizer=4 ! "
                                "mp4mux ! filesink name=f")
        pipeline.get_by_name("f").set_property("location", self.file)
        hosts.play(pipeline)

    def tuner(self, *words):
        tuner = Tuner(self.file, *(words or BEGIN))
        self.addCleanup(tuner.close)
        return tuner


class Asked(OnAClip):
    def test_nothing_without_the_token(self):
        tuner = self.tuner()
        parts = urllib.parse.urlsplit(tuner.address)
        root = f"http://{parts.netloc}"
        token = parts.path.strip("/")
        self.assertGreaterEqual(len(token), 32)
        self.assertEqual(tuner.ask("")[:2], (200, "text/html"))
        for path in "page.js", "page.css", "properties", "state", "picture/1/input":
            self.assertEqual(tuner.ask(path)[0] // 100, 2, path)
        for path in "", "page.js", "properties", "state", "picture/1/input", "set", "transport":
            for wrong in f"{token[:-1]}/", f"{token}x/", "", "x/":
                self.assertEqual(tuner.ask(f"/{wrong}{path}", base=root)[0], 403, wrong + path)
        for path in "set", "transport":
            self.assertEqual(tuner.ask(f"/x/{path}", {"name": "noise", "value": "1"}, base=root)[0], 403)
        self.assertEqual(tuner.ask("", headers={"Host": "elsewhere.example"})[0], 403)
        self.assertEqual(tuner.ask("", headers={"Host": f"localhost:{parts.port}"})[0], 200)
        for path in ("../server.py", "page/../server.py", "..%2fserver.py", "%2e%2e/server.py", "server.py", "/etc/passwd",
                     "page.js/../../server.py", "picture/../input", "picture/1/../../../server.py"):
            self.assertIn(tuner.ask(path)[0], (403, 404), path)

    def test_every_property_is_there_and_held_to_its_range(self):
        tuner = self.tuner()
        element = Gst.ElementFactory.make("reddiff")
        described = {one["name"]: one for one in tuner.json("properties")[1]["properties"]}
        settable = {spec.name: spec for spec in element.list_properties()
                    if spec.owner_type == element.__gtype__ and int(spec.flags) & 2}
        self.assertEqual(set(described), set(settable))
        for name, one in described.items():
            self.assertEqual(one["blurb"], settable[name].blurb)
            wrong = {"whole": ["x", "1.5", str(2**70), "nan"], "real": ["x", "1e9", "nan", "inf"], "choice": ["no-such"],
                     "words": ["no-such", "noise+no-such", "noise+"],
                     "switch": ["maybe"], "text": ["two\nlines", "a" * 5000]}[one["kind"]]
            for value in [*wrong, None, 7, ["a"]]:
                status, said = tuner.json("set", {"name": name, "value": value})
                self.assertEqual(status, 400, f"{name}={value}")
                self.assertRegex(said["error"], rf"^{name} [^\n]+$")
            if not one["locked"]:
                status, said = tuner.json("set", {"name": name, "value": one["default"]})
                self.assertEqual(status, 200, said)
        self.assertEqual(tuner.settled()["values"], {})
        for name in "no-such", "name", "stats", "parent", None, 7:
            self.assertEqual(tuner.json("set", {"name": name, "value": "1"})[0], 404, name)
        self.assertEqual(tuner.json("set", {"name": "allow-code", "value": "true"})[0], 400)
        for body in [], {}, {"action": "fly"}, {"action": "seek", "value": "x"}:
            self.assertEqual(tuner.json("transport", body)[0], 400, body)

    def test_output_follows_the_settings_at_the_same_frame(self):
        tuner = self.tuner()
        tuner.settled()
        tuner.act("seek", 10 * FRAME_TIME)
        first = tuner.until(lambda state: not state["busy"] and state["time"] == 10 * FRAME_TIME)
        pictures = [tuner.pictures(first)]
        for name, value in ("noise", "40"), ("device", "cpu"), ("noise", "10"):  # in the pipeline, by a new one, in that one
            state = tuner.set(name, value)
            self.assertEqual(state["time"], first["time"])
            self.assertGreater(state["frame"], first["frame"])
            self.assertEqual(state["values"][name], value)
            pictures.append(tuner.pictures(state))
        inputs, outputs = zip(*pictures)
        self.assertEqual(len(set(inputs)), 1)
        self.assertEqual(outputs[1], outputs[2])
        self.assertEqual(outputs[0], outputs[3])
        self.assertNotEqual(outputs[0], outputs[1])
        self.assertNotEqual(inputs[0], outputs[0])
        self.assertEqual(state["stats"]["noise"], 10)

    def test_input_and_output_are_of_one_frame(self):
        """With strength=0 the output is the input, and no two frames are alike."""
        tuner = self.tuner("prior=dct", "strength=0")
        state, inputs = tuner.settled(), []
        for index in range(6):
            self.assertEqual(state["time"], index * FRAME_TIME)
            frame, output = tuner.pictures(state)
            self.assertEqual(frame, output)
            inputs.append(frame)
            tuner.act("step", 1)
            state = tuner.until(lambda new, old=state: new["frame"] > old["frame"])
        self.assertEqual(len(set(inputs)), 6)
        tuner.act("step", -1)
        self.assertEqual(tuner.pictures(tuner.until(lambda new: new["time"] == 5 * FRAME_TIME))[0], inputs[5])

    def test_plays_to_the_end_and_again(self):
        tuner = self.tuner()
        tuner.settled()
        tuner.act("play")
        last = tuner.until(lambda state: state["ended"])
        self.assertEqual(last["time"], (FRAMES - 1) * FRAME_TIME)
        self.assertEqual(last["length"], FRAMES * FRAME_TIME)
        self.assertEqual(tuner.set("noise", "20")["time"], last["time"])
        tuner.act("play")
        tuner.until(lambda state: state["time"] < last["time"])
        self.assertFalse(tuner.act("pause")["playing"])

    def test_messages_are_the_sentences_of_the_element(self):
        tuner = self.tuner()
        tuner.settled()
        tuner.set("operator", "no-such")
        state = tuner.until(lambda state: state["messages"])
        self.assertEqual(state["messages"][0][0], "warning")
        self.assertIn("no-such", state["messages"][0][1])
        tuner.json("set", {"name": "operator", "value": ""})
        tuner.json("set", {"name": "device", "value": "cuda:77"})
        state = tuner.until(lambda state: state["messages"])
        self.assertEqual(state["messages"][0][0], "error")
        self.assertIn("cuda:77", state["messages"][0][1])
        state = tuner.set("device", "auto")
        self.assertEqual(state["messages"], [])
        tuner.pictures(state)

    def test_the_line_to_copy_restores_the_file(self):
        line = self.tuner().settled()["line"]
        self.assertIn(" reddiff prior=dct noise=10 ", line)
        self.assertNotIn("task=", line)
        subprocess.run(["sh", "-c", line], cwd=self.folder, check=True, timeout=hosts.WITHIN, stdout=subprocess.DEVNULL)
        self.assertEqual(len(hosts.decoded(self.path("restored.mp4"))), FRAMES)

    def test_what_cannot_be_opened_is_a_sentence(self):
        for words, named in (["no-such.mp4"], "no-such.mp4"), ([self.file, "noise=x"], "noise"), ([self.file, "no-such=1"], "no-such"):
            done = subprocess.run([TUNE, *words], capture_output=True, text=True, timeout=hosts.WITHIN, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, rf"^tune: [^\n]*{named}[^\n]*\n$")
        broken = self.path("broken.mp4")
        with open(broken, "w", encoding="ascii") as file:
            file.write("no video")
        tuner = Tuner(broken)
        self.addCleanup(tuner.close)
        self.assertEqual(tuner.until(lambda state: state["messages"])["messages"][0][0], "error")

    def test_live_video_goes_on(self):
        """It begins by itself, pauses at a frame, and shows a new frame when something is changed."""
        camera = rtsp.Server(f"videotestsrc is-live=true pattern=ball ! {hosts.raw()} ! {rtsp.PAY}")
        self.addCleanup(camera.stop)
        tuner = Tuner(f"rtsp://127.0.0.1:{camera.server.get_bound_port()}/video", *BEGIN)
        self.addCleanup(tuner.close)
        tuner.until(lambda state: state["frame"] > 3)
        tuner.act("pause")
        paused = tuner.settled()
        for name, value in ("noise", "20"), ("device", "cpu"):
            state = tuner.set(name, value)
            self.assertEqual(state["frame"], paused["frame"] + 1)
            paused = state
        self.assertNotEqual(*tuner.pictures(state))
        tuner.act("seek", 0)
        self.assertIn("leaky", tuner.act("play")["line"])
        tuner.until(lambda state: state["frame"] > paused["frame"] + 3)

    def test_a_camera_that_is_not_there_is_a_sentence(self):
        tuner = Tuner("rtsp://127.0.0.1:1/camera")
        self.addCleanup(tuner.close)
        (kind, sentence), = tuner.until(lambda state: state["messages"])["messages"]
        self.assertEqual(kind, "error")
        self.assertRegex(sentence, "Could not open .*connect")


@unittest.skipUnless(browser.program(), "no browser: install Debian's chromium")
class InABrowser(OnAClip):
    PIXELS = "document.getElementById('SIDE').toDataURL()"

    async def pixels(self, page):
        return [hashlib.md5((await page.run(self.PIXELS.replace("SIDE", side))).encode()).hexdigest() for side in ("input", "output")]

    async def look(self, tuner):
        async with browser.Browser() as page:
            await page.open(tuner.address)
            shown = await page.until("Number(document.getElementById('viewer')?.dataset.frame)")
            before = await self.pixels(page)
            await page.run("""(() => { const slider = document.querySelector('[data-name=noise] input[type=range]');
                slider.value = 500; slider.dispatchEvent(new Event('input')); })()""")
            shown = await page.until(f"Number(document.getElementById('viewer').dataset.frame) > {shown} && "
                                     "document.getElementById('busy').hidden && document.getElementById('viewer').dataset.frame")
            after = await self.pixels(page)
            number = await page.run("document.getElementById('set-noise').value")
            await page.run("document.getElementById('play').click()")
            await page.until(f"Number(document.getElementById('viewer').dataset.frame) > {shown} + 3")
            if "REDDIFF_SCREENSHOT" in os.environ:
                await page.screenshot(os.environ["REDDIFF_SCREENSHOT"])
            return before, after, number, page.errors

    def test_the_slider_of_noise_changes_the_picture(self):
        tuner = self.tuner()
        before, after, number, errors = asyncio.run(self.look(tuner))
        self.assertEqual(errors, [])
        self.assertEqual(before[0], after[0])
        self.assertNotEqual(before[1], after[1])
        self.assertEqual(tuner.state()["values"]["noise"], number)
        self.assertNotEqual(number, "10")


if __name__ == "__main__":
    hosts.main()
