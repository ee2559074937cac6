// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the element remembers from frame to frame, when it forgets, and that a running solve can be stopped.
#include <thread>

#include "tests/check/check_util.h"

using check::Harness;
using Frames = std::vector<std::vector<guint8>>;

// Every way to use the past: the warm start (blurs keep it), the filter of what is measured, and of what an enlarging finds. Tests
// run once for each.
static const std::string subjects[] = {std::string(check::fast) + "operator=gaussian-blur:sigma=1", check::fast,
                                       check::fast_scaled(2)};
static constexpr int subject_count = static_cast<int>(std::size(subjects));
static const std::string caps = check::caps_text("I420", 64, 48);

static void begin(Harness& harness, const char* stream_id = "one", GstClockTime start = 0,
                  const std::string& format = caps) {
  gst_harness_push_event(harness.h, gst_event_new_stream_start(stream_id));
  GstCaps* c = gst_caps_from_string(format.c_str());
  gst_harness_push_event(harness.h, gst_event_new_caps(c));
  gst_caps_unref(c);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.start = segment.position = start;
  gst_harness_push_event(harness.h, gst_event_new_segment(&segment));
}

static Frames fresh_run(int subject) {
  Harness harness(subjects[subject]);
  begin(harness);
  return check::stream(harness, caps, 3);
}

GST_START_TEST(same_input_same_bytes) {
  const Frames a = fresh_run(__i__);
  fail_unless(a == fresh_run(__i__));
  // Two elements at once, frame by frame, do not disturb each other.
  Harness one(subjects[__i__]), other(subjects[__i__]);
  begin(one);
  begin(other);
  const GstVideoInfo info = check::info_of(caps);
  for (int i = 0; i < 3; ++i) {
    fail_unless(check::process(one, check::picture(info, i, 2 * i)) == a[i]);
    fail_unless(check::process(other, check::picture(info, i, 2 * i)) == a[i]);
  }
}
GST_END_TEST

// Without this the tests below would prove nothing: a frame with a past differs from the same frame without one.
GST_START_TEST(the_past_matters) {
  const Frames fresh = fresh_run(__i__);
  Harness harness(subjects[__i__]);
  begin(harness);
  check::stream(harness, caps, 3);
  fail_if(check::stream(harness, caps, 3, 3) == fresh);
}
GST_END_TEST

static void expect_fresh_after(int subject, const char* cause, void (*happening)(Harness&), int flags = 0,
                               int next_index = 3) {
  const Frames fresh = fresh_run(subject);
  Harness harness(subjects[subject]);
  begin(harness);
  check::stream(harness, caps, 3);
  if (happening) happening(harness);
  const GstVideoInfo info = check::info_of(caps);
  for (int i = 0; i < 3; ++i) {
    GstBuffer* buffer = check::picture(info, next_index + i, 2 * i);
    if (i == 0) GST_BUFFER_FLAG_SET(buffer, flags);
    fail_unless(check::process(harness, buffer) == fresh[i], "after %s: frame %d differs", cause, i);
  }
  fail_unless_equals_uint64(harness.stat(std::string("resets-") + cause), 1);
}

GST_START_TEST(flush_forgets) {
  expect_fresh_after(__i__, "flush", [](Harness& harness) {
    gst_harness_push_event(harness.h, gst_event_new_flush_start());
    gst_harness_push_event(harness.h, gst_event_new_flush_stop(TRUE));
    begin(harness);
  });
}
GST_END_TEST

GST_START_TEST(another_stream_forgets) {
  expect_fresh_after(__i__, "stream", [](Harness& harness) { begin(harness, "two"); });
}
GST_END_TEST

GST_START_TEST(a_jump_forgets) {
  expect_fresh_after(
      __i__, "segment", [](Harness& harness) { begin(harness, "one", 10 * GST_SECOND); }, 0, 250);
  expect_fresh_after(__i__, "discont", nullptr, GST_BUFFER_FLAG_DISCONT, 25);
  expect_fresh_after(__i__, "resync", nullptr, GST_BUFFER_FLAG_RESYNC);
  expect_fresh_after(__i__, "gap", [](Harness& harness) {
    gst_harness_push_event(harness.h, gst_event_new_gap(3 * check::frame_time, GST_SECOND));
  });
}
GST_END_TEST

static guint64 all_resets(const Harness& harness) {
  guint64 sum = 0;
  for (const char* cause : {"flush", "stream", "caps", "segment", "gap", "discont", "resync", "settings"})
    sum += harness.stat(std::string("resets-") + cause);
  return sum;
}

GST_START_TEST(small_things_do_not) {
  Harness harness(subjects[__i__]);
  begin(harness);
  check::stream(harness, caps, 2);
  begin(harness);  // the same stream, caps and segment again
  gst_harness_push_event(harness.h, gst_event_new_gap(2 * check::frame_time, check::frame_time));
  GstBuffer* buffer = check::picture(check::info_of(caps), 5, 0);
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  check::process(harness, buffer);
  fail_unless_equals_uint64(all_resets(harness), 0);
}
GST_END_TEST

// A player that goes backwards sends frames in falling order, in a segment of negative rate.
GST_START_TEST(backwards_is_a_stream_like_any) {
  const Frames fresh = fresh_run(__i__);
  Harness harness(subjects[__i__]);
  begin(harness);
  check::stream(harness, caps, 3, 100);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.rate = -1;
  segment.start = 0;
  segment.stop = 103 * check::frame_time;
  gst_harness_push_event(harness.h, gst_event_new_segment(&segment));
  for (int i = 0; i < 3; ++i)
    fail_unless(check::process(harness, check::picture(check::info_of(caps), 102 - i, 2 * i)) == fresh[i], "frame %d",
                i);
  fail_unless_equals_uint64(harness.stat("resets-segment"), 1);
  fail_unless_equals_uint64(all_resets(harness), 1);
}
GST_END_TEST

// Frames that the base class drops because they are late leave a gap that is shorter than max-gap: the past is kept, and what
// follows is what an input without them would give.
GST_START_TEST(dropped_frames_do_not_forget) {
  const GstVideoInfo info = check::info_of(caps);
  const int kept[] = {0, 1, 4, 5};
  Harness without(subjects[__i__]), harness(subjects[__i__] + " qos-policy=drop");
  Frames expected;
  begin(without);
  for (const int i : kept) expected.push_back(check::process(without, check::picture(info, i, 2 * i)));
  begin(harness);
  for (int i = 0; i < 2; ++i) fail_unless(check::process(harness, check::picture(info, i, 2 * i)) == expected[i]);
  gst_harness_push_upstream_event(
      harness.h, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, 2 * check::frame_time, check::frame_time));
  for (int i = 2; i < 4; ++i) {
    fail_unless_equals_int(gst_harness_push(harness.h, check::picture(info, i, 2 * i)), GST_FLOW_OK);
    fail_unless(gst_harness_try_pull(harness.h) == nullptr, "frame %d was late and came out", i);
  }
  gst_harness_push_upstream_event(harness.h, gst_event_new_qos(GST_QOS_TYPE_OVERFLOW, 0.5, -1, check::frame_time));
  for (int i = 4; i < 6; ++i) fail_unless(check::process(harness, check::picture(info, i, 2 * i)) == expected[i - 2]);
  fail_unless_equals_uint64(all_resets(harness), 0);
}
GST_END_TEST

GST_START_TEST(caps_change_and_back) {
  const Frames fresh = fresh_run(__i__);
  Harness harness(subjects[__i__]);
  begin(harness);
  fail_unless(check::stream(harness, caps, 3) == fresh);
  for (const std::string& other : {check::caps_text("I420", 65, 49), check::caps_text("RGB", 16, 8)}) {
    begin(harness, "one", 0, other);
    check::stream(harness, other, 2, 3);
    const GstVideoInfo in = check::info_of(other), out = check::out_info(harness);
    fail_unless_equals_int(GST_VIDEO_INFO_WIDTH(&out) % GST_VIDEO_INFO_WIDTH(&in), 0);
    fail_unless_equals_int(GST_VIDEO_INFO_FORMAT(&out), GST_VIDEO_INFO_FORMAT(&in));
  }
  begin(harness);
  fail_unless(check::stream(harness, caps, 3, 7) == fresh);
  fail_unless_equals_uint64(harness.stat("resets-caps"), 3);
}
GST_END_TEST

GST_START_TEST(stop_and_start_is_a_fresh_start) {
  const Frames fresh = fresh_run(__i__);
  Harness harness(subjects[__i__]);
  for (int cycle = 0; cycle < 4; ++cycle) {
    begin(harness);
    fail_unless(check::stream(harness, caps, 3) == fresh, "cycle %d", cycle);
    fail_unless_equals_uint64(harness.stat("frames-out"), 3);
    const GstState low = cycle % 2 ? GST_STATE_NULL : GST_STATE_READY;
    fail_unless_equals_int(gst_element_set_state(harness.element(), low), GST_STATE_CHANGE_SUCCESS);
    fail_unless_equals_int(gst_element_set_state(harness.element(), GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
  }
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

// Waits until the element has taken its n-th frame. Without a limit: the test's own time-out ends it.
static void until_frame_is_in(const Harness& harness, guint64 n) {
  while (harness.stat("frames-in") < n) g_usleep(100);
}

// Starts a solve of minutes, does `stop`, and returns how the push ended.
static GstFlowReturn interrupt(Harness& harness, void (*stop)(Harness&)) {
  const std::string large = check::caps_text("I420", 160, 120);
  begin(harness, "one", 0, large);
  GstBuffer* buffer = check::picture(check::info_of(large), 0, 0);
  GstFlowReturn flow = GST_FLOW_OK;
  std::thread pushing([&] { flow = gst_harness_push(harness.h, buffer); });
  until_frame_is_in(harness, 1);
  stop(harness);
  pushing.join();
  fail_unless_equals_uint64(harness.stat("frames-out"), 0);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
  return flow;
}

constexpr const char* endless = "reddiff prior=dct steps=10000 noise=10 operator=gaussian-blur:sigma=1";

GST_START_TEST(flush_stops_a_running_solve) {
  Harness harness(endless);
  const GstFlowReturn flow =
      interrupt(harness, [](Harness& h) { gst_harness_push_event(h.h, gst_event_new_flush_start()); });
  fail_unless_equals_int(flow, GST_FLOW_FLUSHING);
  gst_harness_push_event(harness.h, gst_event_new_flush_stop(TRUE));
  // It works again, and as if nothing had been.
  g_object_set(harness.element(), "steps", 2, nullptr);
  begin(harness);
  fail_unless(check::stream(harness, caps, 3) == fresh_run(0));
}
GST_END_TEST

// A frame of many tiles ends in the middle of them; here nothing is set anew, so that whatever it had changed would be seen.
GST_START_TEST(a_flush_between_tiles_leaves_nothing_behind) {
  const std::string large = check::caps_text("I420", 200, 150);
  const std::string line = subjects[__i__] + " tile-size=64";
  Harness fresh(line), harness(line);
  for (Harness* h : {&fresh, &harness}) begin(*h, "one", 0, large);
  const Frames expected = check::stream(fresh, large, 2);
  // A frame that came out before the flush says nothing: then once more.
  GstFlowReturn flow = GST_FLOW_OK;
  while (flow == GST_FLOW_OK) {
    fail_unless(check::stream(harness, large, 2) == expected);
    GstBuffer* buffer = check::picture(check::info_of(large), 2, 9);
    const guint64 before = harness.stat("frames-in");
    std::thread pushing([&] { flow = gst_harness_push(harness.h, buffer); });
    until_frame_is_in(harness, before + 1);
    gst_harness_push_event(harness.h, gst_event_new_flush_start());
    pushing.join();
    while (GstBuffer* out = gst_harness_try_pull(harness.h)) gst_buffer_unref(out);
    gst_harness_push_event(harness.h, gst_event_new_flush_stop(TRUE));
    begin(harness, "one", 0, large);
  }
  fail_unless_equals_int(flow, GST_FLOW_FLUSHING);
  fail_unless(check::stream(harness, large, 2) == expected);
}
GST_END_TEST

GST_START_TEST(stopping_stops_a_running_solve) {
  Harness harness(endless);
  const GstFlowReturn flow = interrupt(harness, [](Harness& h) {
    fail_unless_equals_int(gst_element_set_state(h.element(), GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
  });
  fail_unless_equals_int(flow, GST_FLOW_FLUSHING);
}
GST_END_TEST

static Suite* stream_suite() {
  Suite* suite = suite_create("stream");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_loop_test(cases, same_input_same_bytes, 0, subject_count);
  tcase_add_loop_test(cases, the_past_matters, 0, subject_count);
  tcase_add_loop_test(cases, flush_forgets, 0, subject_count);
  tcase_add_loop_test(cases, another_stream_forgets, 0, subject_count);
  tcase_add_loop_test(cases, a_jump_forgets, 0, subject_count);
  tcase_add_loop_test(cases, small_things_do_not, 0, subject_count);
  tcase_add_loop_test(cases, backwards_is_a_stream_like_any, 0, subject_count);
  tcase_add_loop_test(cases, dropped_frames_do_not_forget, 0, subject_count);
  tcase_add_loop_test(cases, caps_change_and_back, 0, subject_count);
  tcase_add_loop_test(cases, stop_and_start_is_a_fresh_start, 0, subject_count);
  tcase_add_test(cases, flush_stops_a_running_solve);
  tcase_add_loop_test(cases, a_flush_between_tiles_leaves_nothing_behind, 0, subject_count);
  tcase_add_test(cases, stopping_stops_a_running_solve);
  return suite;
}

GST_CHECK_MAIN(stream)
