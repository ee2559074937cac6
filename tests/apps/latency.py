#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""GStreamer's latency tracer beside what the element says of itself: its log, `stats`, its answer to latency queries.

The tracer's time of a frame holds the element's own, so for the same frames each order statistic of the one bounds that of the
other, however busy the machine is. How close they are is asked of the medians, loosely.
"""
import math
import os
import re
import subprocess
import tempfile
import unittest

folder = tempfile.TemporaryDirectory(prefix="reddiff-apps-")
LOG = os.path.join(folder.name, "log")
os.environ.update(GST_TRACERS="latency(flags=element+pipeline+reported)", GST_DEBUG="GST_TRACER:7,reddiff:6",
                  GST_DEBUG_FILE=LOG, GST_DEBUG_NO_COLOR="1")

import hosts  # noqa: E402 (tracers are read when GStreamer starts)
from hosts import Gst  # noqa: E402

FRAMES = 100
WINDOW = 64  # frames that the reported latency looks back
ROUNDING = 0.06  # ms; the log has one digit


def of_95_percent(times):
    return sorted(times)[math.ceil(0.95 * len(times)) - 1]


def median(times):
    return sorted(times)[len(times) // 2]


def traced(log, record, who):
    """Milliseconds of a record of the tracer, in order."""
    return [int(time) / 1e6 for time in re.findall(rf" {record}, .*{who}.*(?:time|min)=\(guint64\)(\d+)", log)]


def tracer_lets_live_pipelines_run():
    """The tracer of GStreamer 1.26 stops them all. A process of its own can be ended where a state change hangs."""
    control = "videotestsrc is-live=true num-buffers=3 ! identity ! fakesink sync=true"
    try:
        subprocess.run(["gst-launch-1.0", "-q", *control.split()], env={**os.environ, "GST_DEBUG_FILE": os.devnull},
                       stdin=subprocess.DEVNULL, timeout=20, check=True)
    except subprocess.TimeoutExpired:
        return False
    return True


class Latency(hosts.Case):
    def run_live(self):
        """(log, stats, milliseconds the element answers to a latency query after the last frame, LATENCY messages)."""
        pipeline = hosts.launch(f"videotestsrc is-live=true num-buffers={FRAMES} pattern=ball ! {hosts.raw(160, 120)} ! "
                                f"{hosts.RESTORE} name=r qos-policy=none ! fakesink sync=true")
        element, messages = pipeline.get_by_name("r"), 0
        with hosts.stopping(pipeline):
            pipeline.set_state(Gst.State.PLAYING)
            kinds = Gst.MessageType.EOS | Gst.MessageType.LATENCY
            while (message := hosts.until(pipeline, kinds)).type != Gst.MessageType.EOS:
                messages += message.src == element
                pipeline.recalculate_latency()
            query = Gst.Query.new_latency()
            source = Gst.Query.new_latency()
            self.assertTrue(element.get_static_pad("src").query(query))
            self.assertTrue(element.get_static_pad("sink").peer_query(source))
            stats = element.get_property("stats")
        with open(LOG, encoding="utf-8", errors="replace") as file:
            log = file.read()
        return log, stats, (query.parse_latency()[1] - source.parse_latency()[1]) / 1e6, messages

    def test_agrees_with_the_tracer(self):
        self.addCleanup(folder.cleanup)
        if not tracer_lets_live_pipelines_run():
            raise unittest.SkipTest(f"the latency tracer of {Gst.version_string()} stops a live pipeline with identity as well")
        log, stats, answer, messages = self.run_live()
        seen = traced(log, "element-latency", r"element=\(string\)r,")
        own = [float(ms) for ms in re.findall(r"calls of the prior in ([0-9.]+) ms", log)]
        self.assertEqual((len(seen), len(own)), (FRAMES, FRAMES))
        for i, (outside, inside) in enumerate(zip(seen, own)):
            self.assertGreaterEqual(outside, inside - ROUNDING, f"frame {i}")
        print(f"median: tracer {median(seen):.2f} ms, element {median(own):.1f} ms; 95 % of the last {WINDOW}: "
              f"tracer {of_95_percent(seen[-WINDOW:]):.2f} ms, reported {answer:.2f} ms")
        self.assertLess(median(seen), 2 * median(own))

        self.assertAlmostEqual(stats.get_double("mean-ms").value, sum(own) / FRAMES, delta=ROUNDING)
        self.assertAlmostEqual(stats.get_double("p95-ms").value, of_95_percent(own), delta=ROUNDING)

        self.assertGreaterEqual(answer, of_95_percent(own[-WINDOW:]) - ROUNDING)
        self.assertLessEqual(answer, of_95_percent(seen[-WINDOW:]))
        self.assertEqual(traced(log, "element-reported-latency", r"element=\(string\)r,")[-1], answer)
        self.assertGreaterEqual(messages, 1)

        # From source to sink a frame takes what it takes in the elements between.
        whole = traced(log, "latency", r"sink-element=\(string\)fakesink0,")
        self.assertEqual(len(whole), FRAMES)
        for outside, inside in zip(whole, seen):
            self.assertGreaterEqual(outside, inside)
        self.assertLess(median(whole), 2 * median(seen))


if __name__ == "__main__":
    hosts.main()
