// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The element in a pipeline that has a clock to keep: latency, QoS, navigation.
#include <gst/video/navigation.h>

#include "tests/check/check_util.h"

using check::Harness;

static const std::string caps = check::caps_text("I420", 64, 48);

static GstClockTime added_latency(const Harness& harness) {
  gst_harness_set_upstream_latency(harness.h, 10 * GST_MSECOND);
  return gst_harness_query_latency(harness.h) - 10 * GST_MSECOND;
}

GST_START_TEST(latency_is_measured_and_announced) {
  Harness harness(check::fast);
  harness.caps(caps);
  gst_harness_set_live(harness.h, TRUE);
  g_object_set(harness.element(), "processing-deadline", guint64{3 * GST_SECOND}, nullptr);
  fail_unless_equals_uint64(added_latency(harness), 3 * GST_SECOND);
  g_object_set(harness.element(), "processing-deadline", guint64{0}, nullptr);
  const gint64 before = g_get_monotonic_time();
  check::stream(harness, caps, 4);
  const GstClockTime all = (g_get_monotonic_time() - before) * GST_USECOND;
  const GstClockTime added = added_latency(harness);
  fail_unless(added > 0 && added <= all, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT, added, all);
  GstMessage* message = gst_bus_pop_filtered(harness.bus(), GST_MESSAGE_LATENCY);
  fail_unless(message != nullptr);
  gst_message_unref(message);
}
GST_END_TEST

// Buffers that go through untouched take no time, and the pipeline is told.
GST_START_TEST(passing_through_adds_no_latency) {
  Harness harness(check::fast);
  gst_harness_set_live(harness.h, TRUE);
  harness.caps(caps);
  check::stream(harness, caps, 4);
  const auto announced = [&] {
    int count = 0;
    for (; GstMessage* message = gst_bus_pop_filtered(harness.bus(), GST_MESSAGE_LATENCY); ++count)
      gst_message_unref(message);
    return count;
  };
  fail_unless(announced() > 0 && added_latency(harness) > 0);
  for (const double strength : {0., 1.}) {
    g_object_set(harness.element(), "strength", strength, nullptr);
    check::stream(harness, caps, 1, 4);
    fail_unless(announced() > 0);
    fail_unless((added_latency(harness) > 0) == (strength > 0));
  }
}
GST_END_TEST

struct Qos {
  int count = 0;
  gint quality = -1;
  guint64 processed = 0, dropped = 0;
};

static Qos take_qos(GstBus* bus) {
  Qos qos;
  while (GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_QOS)) {
    GstFormat format;
    ++qos.count;
    gst_message_parse_qos_values(message, nullptr, nullptr, &qos.quality);
    gst_message_parse_qos_stats(message, &format, &qos.processed, &qos.dropped);
    fail_unless_equals_int(format, GST_FORMAT_BUFFERS);
    gst_message_unref(message);
  }
  return qos;
}

// QoS events that came out of the sink pad.
static int qos_passed_on(const Harness& harness) {
  int count = 0;
  while (GstEvent* event = gst_harness_try_pull_upstream_event(harness.h)) {
    count += GST_EVENT_TYPE(event) == GST_EVENT_QOS;
    gst_event_unref(event);
  }
  return count;
}

// Sends frames while a sink says that all come an hour too late.
static int frames_of_late_stream(Harness& harness, int frames) {
  int out = 0;
  for (int i = 0; i < frames; ++i) {
    gst_harness_push_upstream_event(
        harness.h, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 5, 3600 * GST_SECOND, i * check::frame_time));
    fail_unless_equals_int(gst_harness_push(harness.h, check::picture(check::info_of(caps), i, 2 * i)), GST_FLOW_OK);
    while (GstBuffer* buffer = gst_harness_try_pull(harness.h)) {
      ++out;
      gst_buffer_unref(buffer);
    }
  }
  return out;
}

GST_START_TEST(late_frames_lose_calls_then_are_plain_then_are_dropped) {
  Harness harness(std::string(check::fast) + "steps=3");
  harness.caps(caps);
  const int out = frames_of_late_stream(harness, 40);
  const Qos qos = take_qos(harness.bus());
  fail_unless(out >= 4 && out < 40, "%d came out", out);
  fail_unless_equals_uint64(harness.stat("frames-out"), out);
  fail_unless_equals_uint64(harness.stat("frames-dropped"), 40 - out);
  fail_unless(harness.stat("frames-degraded") > 0);
  fail_unless_equals_int(qos.quality, 0);
  fail_unless_equals_uint64(qos.dropped, 40 - out);
  fail_unless(qos.count >= 40 - out);
  // Upstream hears of it only when nothing is left to save here.
  const int passed_on = qos_passed_on(harness);
  fail_unless(passed_on >= 1 && passed_on <= 40 - out, "%d events", passed_on);
  // And back, when the sink is content.
  gst_harness_push_upstream_event(harness.h, gst_event_new_qos(GST_QOS_TYPE_OVERFLOW, 0.1, 0, 0));
  const GstVideoInfo info = check::info_of(caps);
  for (int i = 0; i < 240; ++i) {
    GstBuffer* buffer = check::picture(info, 40 + i, 2 * i);
    GST_BUFFER_DURATION(buffer) = 100 * GST_SECOND;  // on any machine there is time for all calls
    check::process(harness, buffer);
  }
  fail_unless_equals_int(take_qos(harness.bus()).quality, 1000000);
}
GST_END_TEST

GST_START_TEST(policies) {
  Harness drop(std::string(check::fast) + "qos-policy=drop"), none(std::string(check::fast) + "qos-policy=none"),
      off(std::string(check::fast) + "qos=false");
  for (Harness* harness : {&drop, &none, &off}) harness->caps(caps);
  fail_unless(frames_of_late_stream(drop, 10) <= 1);
  fail_unless_equals_uint64(drop.stat("frames-degraded"), 0);
  fail_unless(drop.stat("frames-dropped") >= 9);
  fail_unless_equals_int(qos_passed_on(drop), 10);
  for (Harness* harness : {&none, &off}) {
    fail_unless_equals_int(frames_of_late_stream(*harness, 10), 10);
    fail_unless_equals_uint64(harness->stat("frames-degraded"), 0);
    fail_unless_equals_int(take_qos(harness->bus()).count, 0);
  }
  fail_unless_equals_int(qos_passed_on(none), 0);
  fail_unless_equals_int(qos_passed_on(off), 10);
}
GST_END_TEST

// Bytes, which appsrc and filesrc send unless told otherwise, have no time to be late at.
GST_START_TEST(a_segment_without_time) {
  Harness harness(check::fast);
  harness.caps(caps);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_BYTES);
  gst_harness_push_event(harness.h, gst_event_new_segment(&segment));
  check::stream(harness, caps, 3);
  fail_unless_equals_uint64(harness.stat("frames-out"), 3);
}
GST_END_TEST

// A frame that is plainly resampled leaves the past alone, and equals strength=0.
GST_START_TEST(plain_frames_are_the_resampled_input) {
  Harness late(check::fast_scaled(2)), plain(check::fast_scaled(2) + " strength=0");
  for (Harness* harness : {&late, &plain}) harness->caps(caps);
  const GstVideoInfo info = check::info_of(caps);
  bool seen = false;
  for (int i = 0; i < 12 && !seen; ++i) {
    gst_harness_push_upstream_event(late.h, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 5, 3600 * GST_SECOND, 0));
    const guint64 calls = late.stat("prior-calls");
    const auto a = check::process(late, check::picture(info, i, i)),
               b = check::process(plain, check::picture(info, i, i));
    if (late.stat("prior-calls") != calls) continue;
    fail_unless(a == b);
    seen = true;
  }
  fail_unless(seen);
}
GST_END_TEST

GST_START_TEST(navigation_is_in_the_coordinates_of_the_input) {
  Harness harness(check::fast_scaled(2));
  harness.caps(caps);
  check::stream(harness, caps, 1);
  gst_harness_push_upstream_event(
      harness.h, gst_event_new_navigation(gst_structure_new("application/x-gst-navigation", "event", G_TYPE_STRING,
                                                            "mouse-move", "pointer_x", G_TYPE_DOUBLE, 50.0, "pointer_y",
                                                            G_TYPE_DOUBLE, 31.0, nullptr)));
  bool found = false;
  while (GstEvent* event = gst_harness_try_pull_upstream_event(harness.h)) {
    gdouble x = 0, y = 0;
    if (GST_EVENT_TYPE(event) == GST_EVENT_NAVIGATION) {
      fail_unless(gst_navigation_event_get_coordinates(event, &x, &y));
      fail_unless_equals_float(x, 25);
      fail_unless_equals_float(y, 15.5);
      found = true;
    }
    gst_event_unref(event);
  }
  fail_unless(found);
}
GST_END_TEST

// The first call of the prior makes what later ones find made: what it took is not what calls take, however late it made the frame.
GST_START_TEST(a_slow_first_frame_costs_the_next_one_nothing) {
  Harness harness("reddiff prior=dct noise=10 preset=live");  // of one call
  harness.caps(caps);
  check::stream(harness, caps, 1);
  gst_harness_push_upstream_event(harness.h, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 5, 3600 * GST_SECOND, 0));
  check::stream(harness, caps, 1, 1);
  fail_unless_equals_uint64(harness.stat("frames-degraded"), 0);
}
GST_END_TEST

GST_START_TEST(a_second_without_restoring_is_one_warning) {
  Harness harness(check::fast);
  harness.caps(caps);
  frames_of_late_stream(harness, 20);
  fail_unless_equals_int(check::take_warnings(harness.bus()).count, 0);
  for (int i = 0; i < 3; ++i) frames_of_late_stream(harness, 60);
  const check::Errors warnings = check::take_warnings(harness.bus());
  fail_unless_equals_int(warnings.count, 1);
  fail_unless(warnings.text.find("qos-policy") != std::string::npos, "%s", warnings.text.c_str());
}
GST_END_TEST

static Suite* live_suite() {
  Suite* suite = suite_create("live");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, latency_is_measured_and_announced);
  tcase_add_test(cases, passing_through_adds_no_latency);
  tcase_add_test(cases, late_frames_lose_calls_then_are_plain_then_are_dropped);
  tcase_add_test(cases, policies);
  tcase_add_test(cases, plain_frames_are_the_resampled_input);
  tcase_add_test(cases, a_segment_without_time);
  tcase_add_test(cases, a_slow_first_frame_costs_the_next_one_nothing);
  tcase_add_test(cases, a_second_without_restoring_is_one_warning);
  tcase_add_test(cases, navigation_is_in_the_coordinates_of_the_input);
  return suite;
}

GST_CHECK_MAIN(live)
