// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A live pipeline whose solver is too slow, by the clock: for a machine that does nothing else (suite `long`).
#include <algorithm>

#include "tests/check/check_util.h"

using check::Harness;

// Decoders drop what comes too late by their own guess.
static const char* const in_front[] = {"", "jpegenc ! jpegdec ! "};

// A live source, sound beside it, and a solver that needs five times the time there is.
GST_START_TEST(a_slow_solver_keeps_sound_and_picture_together) {
  // How many steps are five times too slow depends on the machine.
  Harness probe(std::string(check::fast) + "steps=41 temporal=none");
  const std::string size = check::caps_text("I420", 160, 120);
  probe.caps(size);
  check::stream(probe, size, 2);
  const int steps = std::max(2, static_cast<int>(5 * 40 / (probe.measured("mean-ms") / 41)));
  const std::string line =
      "videotestsrc is-live=true pattern=ball num-buffers=100 ! " + size + " ! " + in_front[__i__] +
      "reddiff name=r prior=dct noise=10 temporal=none steps=" + std::to_string(steps) +
      " ! fakesink name=v sync=true qos=true audiotestsrc is-live=true num-buffers=172 ! fakesink name=a sync=true";
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(line.c_str(), &error);
  fail_unless(pipeline != nullptr && error == nullptr);
  GstBus* bus = gst_element_get_bus(pipeline);
  fail_if(gst_element_set_state(pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE);
  const gint64 before = g_get_monotonic_time();
  bool done = false;
  while (!done) {
    GstMessage* message = gst_bus_timed_pop(bus, 30 * GST_SECOND);
    fail_unless(message != nullptr, "no end of the stream within 30 s");
    done = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    fail_if(GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_LATENCY) gst_bin_recalculate_latency(GST_BIN(pipeline));
    gst_message_unref(message);
  }
  const double seconds = (g_get_monotonic_time() - before) / 1e6;
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "r");
  GstStructure* stats = nullptr;
  guint64 in = 0, out = 0, degraded = 0;
  g_object_get(element, "stats", &stats, nullptr);
  gst_structure_get(stats, "frames-in", G_TYPE_UINT64, &in, "frames-out", G_TYPE_UINT64, &out, "frames-degraded",
                    G_TYPE_UINT64, &degraded, nullptr);
  gst_structure_free(stats);
  fail_unless_equals_uint64(in, 100);
  fail_unless(out >= 95, "%d of 100 frames came out", static_cast<int>(out));
  fail_unless(degraded >= 50, "%d frames had fewer calls", static_cast<int>(degraded));
  // Four seconds of live video, and at most half a second behind at the end of it.
  fail_unless(seconds < 5.5, "%f s", seconds);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(element);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
}
GST_END_TEST

static Suite* slow_solver_suite() {
  Suite* suite = suite_create("slow_solver");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_loop_test(cases, a_slow_solver_keeps_sound_and_picture_together, 0, G_N_ELEMENTS(in_front));
  return suite;
}

GST_CHECK_MAIN(slow_solver)
