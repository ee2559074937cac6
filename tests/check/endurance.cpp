// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Long runs and large frames: memory that does not grow with the number of frames or of starts, and the largest frame that this
// machine's memory holds.
#include <malloc.h>
#include <unistd.h>

#include <fstream>

#include "tests/check/check_util.h"

using check::Harness;

// What the process holds, in MB; what malloc only keeps for later is given back first.
static double resident_mb() {
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

static void push_frames(Harness& harness, const std::string& caps, int from, int to) {
  const GstVideoInfo info = check::info_of(caps);
  for (int i = from; i < to; ++i) check::process(harness, check::picture(info, i, i));
}

// 4 MB more after 9,000 frames would be 470 bytes a frame; one lost 64x48 plane a frame would be 110 MB.
constexpr double allowed_mb = 4;

GST_START_TEST(ten_thousand_frames) {
  const char* const lines[] = {"reddiff prior=dct steps=1 noise=10 temporal=filter",
                               "reddiff prior=dct steps=1 operator=gaussian-blur:sigma=1 temporal=warm-start"};
  const std::string caps = check::caps_text("I420", 64, 48);
  Harness harness(lines[__i__]);
  harness.caps(caps);
  push_frames(harness, caps, 0, 1000);
  const double before = resident_mb();
  push_frames(harness, caps, 1000, 10000);
  const double after = resident_mb();
  fail_unless_equals_uint64(harness.stat("frames-out"), 10000);
  g_print("%s: %.1f MB after 1000 frames, %.1f MB after 10000\n", lines[__i__], before, after);
  fail_unless(after < before + allowed_mb);
}
GST_END_TEST

GST_START_TEST(hundred_starts) {
  GstElement* pipeline = gst_parse_launch(
      "videotestsrc num-buffers=3 ! video/x-raw,width=64,height=48 ! reddiff prior=tiny device=cpu steps=1 noise=10 ! "
      "fakesink",
      nullptr);
  GstBus* bus = gst_element_get_bus(pipeline);
  double before = 0;
  for (int i = 0; i < 110; ++i) {
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstMessage* message = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND,
                                                     static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    fail_unless(message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS, "start %d", i);
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    if (i == 9) before = resident_mb();
  }
  const double after = resident_mb();
  // The weights alone are 2 MB.
  g_print("%.1f MB after 10 starts, %.1f MB after 110\n", before, after);
  fail_unless(after < before + 10);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
}
GST_END_TEST

static double available_mb() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string word; meminfo >> word;)
    if (word == "MemAvailable:") {
      double kilobytes = 0;
      meminfo >> kilobytes;
      return kilobytes / 1024;
    }
  return 0;
}

// A frame of 8192x8192 takes 3.7 GB: half the side is a quarter of that. Twice as much must be free.
GST_START_TEST(the_largest_frame) {
  int side = 8192;
  while (side > 1024 && 2.0 * 4000 * (side / 8192.0) * (side / 8192.0) > available_mb()) side /= 2;
  Harness harness("reddiff prior=dct steps=1 noise=10 temporal=none");
  const std::string caps = check::caps_text("I420", side, side);
  harness.caps(caps);
  const auto out = check::process(harness, check::picture(check::info_of(caps), 0, 0));
  fail_unless_equals_uint64(out.size(), static_cast<guint64>(side) * side * 3 / 2);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM", 0) == 0) g_print("%dx%d: %s\n", side, side, line.c_str());
}
GST_END_TEST

static Suite* endurance_suite() {
  Suite* suite = suite_create("endurance");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_set_timeout(cases, 1200);
  tcase_add_loop_test(cases, ten_thousand_frames, 0, 2);
  tcase_add_test(cases, hundred_starts);
  tcase_add_test(cases, the_largest_frame);
  return suite;
}

GST_CHECK_MAIN(endurance)
