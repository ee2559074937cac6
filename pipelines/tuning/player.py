# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plays a source through the element and keeps the last frames, each as input and output.

The pipeline plays all the time; playing, pausing and stepping only decide whether its next frame is taken from the sink, which
holds a single one. A thread does all that concerns the pipeline, in a loop; the other methods leave what they want and wake it.
"""
import collections
import threading
import time

import gi
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, Gst, GstApp  # noqa: E402, F401 (GstApp gives the sink its methods)

from shots import Pairs  # noqa: E402

KEPT = 8  # shots that the page may still ask for
MESSAGES = 6
POLL = 20 * Gst.MSECOND


class Player:
    def __init__(self, source, properties, values, past=2):
        """`values`: text by name of property; `past`: frames restored before one that is shown again, for its past."""
        self.source, self._properties, self._past = source, properties, past
        self._values = dict(values)
        self._wake = threading.Condition()
        self.on_change = lambda: None  # called by any thread
        self._revision, self._shots = 0, collections.OrderedDict()
        self._messages = []
        self._playing, self._steps = source.live, 0
        self._wanted = 0  # stream time to go to, or None
        self._until = None  # frames before this stream time are not shown
        self._passed = None  # the last shot that was not
        self._reopen = self._ended = self._closing = False
        self._published, self._length = 0.0, 0
        self._pipeline = self._sink = self._pairs = self._element = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def close(self):
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join()

    # What the page wants.

    def set(self, name, text):
        """Raises Unknown or Refused. The frame that is shown comes again, restored with the new value."""
        text = self._properties.read_from_page(name, text)
        with self._wake:
            if self._properties.is_default(name, text):
                self._values.pop(name, None)
            else:
                self._values[name] = text
            self._messages.clear()
            if self._pipeline and self._properties.is_live(name):
                Gst.util_set_object_arg(self._element, name, text)
            else:
                self._reopen = True
            if self._reopen or not self._playing:
                self._show_again()
            self._changed()

    def play(self, playing):
        with self._wake:
            last = self._last()
            if playing and (self._ended or (last and 0 < self._length < last.time + last.duration * 3 // 2)):
                self._wanted = 0
            if not self._pipeline:
                self._messages.clear()  # once more
            self._playing, self._steps = playing, 0
            self._changed()

    def step(self, frames):
        with self._wake:
            self._playing = False
            if frames > 0:
                self._steps = 1
            elif self._shots and not self.source.live:
                self._wanted = max(0, self._last().time - self._last().duration)
            self._changed()

    def seek(self, to):
        with self._wake:
            if not self.source.live:
                self._wanted = max(0, to)
            self._changed()

    def shot(self, serial):
        """The shot of that number, or None when it is too old."""
        with self._wake:
            return self._shots.get(serial)

    def state(self):
        with self._wake:
            shot = self._last()
            return {"revision": self._revision, "frame": next(reversed(self._shots), 0), "playing": self._playing,
                    "live": self.source.live, "ended": self._ended, "messages": list(self._messages),
                    "values": dict(self._values), "line": self.source.line(self._values), "busy": self._hungry(),
                    "length": self._length,
                    **({"time": shot.time, "size": shot.size, "aspect": shot.aspect, "ms": shot.ms, "stats": shot.stats,
                        "duration": shot.duration} if shot else {})}

    @property
    def revision(self):
        return self._revision

    def _last(self):
        return self._shots[next(reversed(self._shots))] if self._shots else None

    def _show_again(self):
        """The same frame once more; of live video, the next one."""
        if self.source.live:
            self._steps = 1
        elif self._wanted is None:
            self._wanted = self._until if self._until is not None else self._last().time if self._shots else 0

    def _changed(self):
        self._revision += 1
        self._wake.notify_all()
        self.on_change()

    def _say(self, kind, sentence):
        with self._wake:
            if [kind, sentence] not in self._messages:
                self._messages = [*self._messages, [kind, sentence]][-MESSAGES:]
                self._changed()

    # The thread of the pipeline.

    def _hungry(self):
        return self._playing or self._steps > 0 or self._wanted is not None or self._until is not None

    def _run(self):
        while not self._closing:
            with self._wake:
                reopen, self._reopen = self._reopen, False
                hungry = self._hungry()
            if reopen:
                self._stop()
            if hungry and not self._pipeline:
                self._open()
            self._go()
            if self._pipeline and hungry:
                self._pull()
            self._read_bus()
            with self._wake:
                if not (self._closing or self._reopen or self._hungry()):
                    self._wake.wait(0.2)  # now and then the bus has something to say
        self._stop()

    def _open(self):
        try:
            self._pipeline = Gst.parse_launchv(self.source.pipeline(self._values))
        except GLib.Error as error:
            self._fail(error.message)
            return
        self._element, self._sink = (self._pipeline.get_by_name(name) for name in ("restorer", "sink"))
        self._pairs = Pairs(self._element)
        self._ended = False
        state = self._pipeline.set_state(Gst.State.PLAYING)
        while state == Gst.StateChangeReturn.ASYNC and not (self._closing or self._reopen or self._has_failed()):
            state = self._pipeline.get_state(POLL)[0]
        if state == Gst.StateChangeReturn.FAILURE:
            self._read_bus(within=2 * Gst.SECOND)  # what went wrong in a thread of the source may be told a little later
            self._fail("The pipeline does not start.")

    def _has_failed(self):
        return self._pipeline.get_bus().peek() is not None and self._read_bus()

    def _stop(self):
        if self._pipeline:
            self._pipeline.set_state(Gst.State.NULL)
        self._pipeline = None

    def _fail(self, sentence):
        """Everything stops until something is changed, unless it has been meanwhile."""
        self._stop()
        with self._wake:
            if self._reopen:
                return
            self._playing, self._steps, self._wanted, self._until = False, 0, None, None
            if not any(kind == "error" for kind, _ in self._messages):
                self._say("error", sentence)
            self._changed()

    def _go(self):
        """Goes to the wanted time, through a few frames before it; a source that cannot be sought begins again."""
        with self._wake:
            wanted, self._wanted = self._wanted, None
            if wanted is None or not self._pipeline:
                return
            last = self._last()
            self._until, self._passed, self._steps = wanted, None, 0
        if self.source.live:
            with self._wake:
                self._until, self._steps = None, 1
        elif last:
            start = max(0, wanted - self._past * last.duration)
            if not self._pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, start):
                self._stop()
                self._open()
        self._ended = False

    def _pull(self):
        sample = self._sink.try_pull_sample(POLL)
        if not sample:
            if self._sink.is_eos():
                self._end()
            return
        shot = self._pairs.shot(sample)
        if shot and self._until is None:
            self._pace(shot)
        with self._wake:
            if not shot or self._wanted is not None or self._reopen:
                return
            if self._until is not None and shot.time + shot.duration // 2 < self._until:
                self._passed = shot
                return
        self._publish(shot)

    def _end(self):
        with self._wake:
            passed, self._passed = self._passed, None
            self._ended = True
            self._playing, self._steps, self._until = False, 0, None
            self._changed()
        if passed:
            self._publish(passed)

    def _publish(self, shot):
        with self._wake:
            self._until, self._passed = None, None
            self._shots[next(reversed(self._shots), 0) + 1] = shot
            while len(self._shots) > KEPT:
                self._shots.popitem(last=False)
            self._steps = max(0, self._steps - 1)
            self._published = time.monotonic()
            known, self._length = self._pipeline.query_duration(Gst.Format.TIME)
            self._length = max(0, self._length) if known else 0
            self._changed()

    def _pace(self, shot):
        """Frames of a file follow each other no faster than they were made."""
        last = self._last()
        gap = shot.time - last.time if last and self._playing and not self.source.live else 0
        if 0 < gap <= Gst.SECOND:
            with self._wake:
                revision, left = self._revision, self._published + gap / Gst.SECOND - time.monotonic()
                self._wake.wait_for(lambda: self._closing or self._revision != revision, max(0.0, left))

    def _read_bus(self, within=0):
        """Takes the messages, the first of which may come `within` nanoseconds; whether there was an error among them."""
        failed = False
        while self._pipeline and (message := self._pipeline.get_bus().timed_pop_filtered(
                within, Gst.MessageType.ERROR | Gst.MessageType.WARNING)):
            failed = message.type == Gst.MessageType.ERROR
            error, detail = message.parse_error() if failed else message.parse_warning()
            sentence = error.message
            if message.src != self._element and detail and "\n" in detail:
                sentence += " " + detail.rpartition("\n")[2]  # GStreamer's own sentences leave the reason there
            if failed:
                self._fail(sentence)
            else:
                self._say("warning", sentence)
        return failed
