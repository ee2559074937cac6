# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of hosts share: clips, what passed a pad, waiting, tools run as processes.

A host written against GObject introspection is watched through pad probes and the bus; a tool through what it writes and
through the element's log, where each restored frame is a line.
"""
import contextlib
import hashlib
import importlib
import os
import subprocess
import sys
import tempfile
import time
import unittest

SKIP = 77
try:
    import gi
    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
except (ImportError, ValueError) as missing:
    print(f"{missing}: run pipelines/setup")
    sys.exit(SKIP)

Gst.init(None)

# Needs no files and takes milliseconds for a frame of a clip.
RESTORE = "reddiff prior=dct steps=2 noise=10"
WIDTH, HEIGHT, FRAMES = 64, 48, 25
FRAME_TIME = Gst.SECOND // 25
WITHIN = 30  # seconds; a host that has not moved by then hangs

# Not Ogg: oggdemux keeps the last frame of a clip with sound to itself.
FORMATS = {
    "webm": ("vp8enc deadline=1 keyframe-max-dist=8", "vorbisenc", "webmmux"),
    "mp4": ("x264enc tune=zerolatency key-int-max=8", "avenc_aac", "mp4mux"),
}


def need(*modules):
    """Modules of introspection, or the end of the test as skipped."""
    try:
        for name in modules:
            gi.require_version(name, "2.0" if name == "GLib" else "1.0")
        return [importlib.import_module(f"gi.repository.{name}") for name in modules]
    except ValueError as absent:
        print(f"{absent}: run pipelines/setup")
        sys.exit(SKIP)


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="reddiff-apps-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def clip(self, kind="webm", name=None, width=WIDTH, height=HEIGHT, sound=True):
        """One second of a moving ball; returns its path."""
        video, audio, mux = FORMATS[kind]
        path = self.path(name or f"clip.{kind}")
        line = (f"videotestsrc num-buffers={FRAMES} pattern=ball ! {raw(width, height)} ! {video} ! queue ! "
                f"{mux} name=m ! filesink location={path}  ")
        if sound:
            line += (f"audiotestsrc num-buffers={FRAMES} samplesperbuffer=1764 ! audio/x-raw,rate=44100,channels=1 ! "
                     f"audioconvert ! {audio} ! queue ! m.")
        play(launch(line))
        return path

    def contiguous(self, times, step=FRAME_TIME):
        """No frame is missing, none comes twice. Containers round times to milliseconds."""
        self.assertTrue(times)
        for before, after in zip(times, times[1:]):
            self.assertAlmostEqual(after - before, step, delta=2 * Gst.MSECOND, msg=f"{times}")


def raw(width=WIDTH, height=HEIGHT, form="I420"):
    return f"video/x-raw,format={form},width={width},height={height},framerate=25/1"


def uri(path):
    return Gst.filename_to_uri(path)


def launch(line):
    return Gst.parse_launch(line)


class Frames:
    """Stream time, size, digest and the segment's rate of what passes a pad, in order."""

    def __init__(self, pad):
        self.times, self.sizes, self.digests, self.rates = [], [], [], []
        pad.add_probe(Gst.PadProbeType.BUFFER, self._buffer)

    def _buffer(self, pad, info):
        buffer = info.get_buffer()
        structure = pad.get_current_caps().get_structure(0)
        self.digests.append(hashlib.md5(buffer.extract_dup(0, buffer.get_size())).hexdigest())
        self.sizes.append((structure.get_value("width"), structure.get_value("height")))
        segment = pad.get_sticky_event(Gst.EventType.SEGMENT, 0).parse_segment()
        self.rates.append(segment.rate)
        self.times.append(segment.to_stream_time(Gst.Format.TIME, buffer.pts))
        return Gst.PadProbeReturn.OK

    def clear(self):
        for part in (self.times, self.sizes, self.digests, self.rates):
            part.clear()

    def __len__(self):
        return len(self.times)


def until(pipeline, kinds=Gst.MessageType.EOS, within=WITHIN):
    """The next message of these kinds; an error on the bus, or nothing, is a failure."""
    message = pipeline.get_bus().timed_pop_filtered(within * Gst.SECOND, kinds | Gst.MessageType.ERROR)
    if message is None:
        raise AssertionError(f"{within} s without {kinds.value_nicks}: {state_of(pipeline)}")
    if message.type == Gst.MessageType.ERROR and not kinds & Gst.MessageType.ERROR:
        error, debug = message.parse_error()
        raise AssertionError(f"{error.message} ({debug})")
    return message


def wait_for(condition, within=WITHIN):
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {within} s")
        time.sleep(0.01)


def state_of(pipeline):
    return " ".join(f"{e.name}:{e.get_state(0).state.value_nick}" for e in everything(pipeline))


def settled(pipeline, state):
    """Sets the state and waits for it."""
    if pipeline.set_state(state) == Gst.StateChangeReturn.FAILURE:
        until(pipeline, within=1)
    result = pipeline.get_state(WITHIN * Gst.SECOND)
    if result.state != state:
        raise AssertionError(f"not {state.value_nick}: {state_of(pipeline)}")


@contextlib.contextmanager
def stopping(pipeline):
    try:
        yield pipeline
    finally:
        pipeline.set_state(Gst.State.NULL)


def play(pipeline):
    """From the start to the end."""
    with stopping(pipeline):
        pipeline.set_state(Gst.State.PLAYING)
        until(pipeline)


def everything(container):
    found, walk = [], container.iterate_recurse()
    while True:
        result, value = walk.next()
        if result == Gst.IteratorResult.RESYNC:
            found.clear()
            walk.resync()
        elif result != Gst.IteratorResult.OK:
            return found
        else:
            found.append(value)


def restorer(container):
    """The one `reddiff` that a host has put somewhere inside."""
    found = [e for e in everything(container) if e.get_factory() and e.get_factory().get_name() == "reddiff"]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} elements reddiff in {[e.name for e in everything(container)]}")
    return found[0]


def stat(element, field="frames-out"):
    there, value = element.get_property("stats").get_uint64(field)
    assert there, field
    return value


def decoded(path):
    """Frames of a file as they are without `reddiff`."""
    pipeline = launch(f"filesrc location={path} ! decodebin name=d  "
                      "videoconvert name=v ! video/x-raw,format=I420 ! fakesink name=s")

    def link(_, pad):
        target = pipeline.get_by_name("v")
        if not pad.query_caps(None).to_string().startswith("video"):
            # Sound that goes nowhere can hang a demuxer.
            target = Gst.ElementFactory.make("fakesink")
            target.set_property("async", False)
            pipeline.add(target)
            target.sync_state_with_parent()
        pad.link(target.get_static_pad("sink"))

    pipeline.get_by_name("d").connect("pad-added", link)
    frames = Frames(pipeline.get_by_name("s").get_static_pad("sink"))
    play(pipeline)
    return frames


def tool(*command, fails=False, since_flush=False):
    """Runs a program to its end; returns (what it said, frames that `reddiff` restored in it, or did since it was last flushed)."""
    with tempfile.NamedTemporaryFile("r", prefix="reddiff-apps-") as log:
        environment = {**os.environ, "GST_DEBUG": "reddiff:6", "GST_DEBUG_FILE": log.name, "GST_DEBUG_NO_COLOR": "1"}
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=WITHIN, check=False)
        logged, frame, flush = log.read(), "calls of the prior in", "forgot the past: flush"
        restored = logged.count(frame)
        if since_flush and flush in logged:
            restored = logged.rpartition(flush)[2].count(frame) + 1  # the first frame is a line earlier
    if (done.returncode != 0) != fails:
        raise AssertionError(f"{command}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout, restored


def y4m(path):
    """(width, height), frames of a file in the format of y4menc."""
    with open(path, "rb") as file:
        header = file.readline().split()
        width, height = (next(int(w[1:]) for w in header if w[:1] == key) for key in (b"W", b"H"))
        frames = []
        while file.readline():
            frames.append(file.read(width * height * 3 // 2))
    return (width, height), frames


kept = []  # what must outlive the interpreter: it joins a thread at its end, and Python's lock is held then


def library_ends(bus, kind, ended, failed):
    """Waits for the last message of GstPlay or GstTranscoder; `kind` parses its type."""
    while True:
        message = bus.timed_pop(WITHIN * Gst.SECOND)
        if message is None or kind(message) == failed:
            raise AssertionError(f"{message and message.get_structure().to_string()}")
        if kind(message) == ended:
            return


def main():
    program = unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2), exit=False)
    sys.stdout.flush()
    os._exit(0 if program.result.wasSuccessful() else 1)
