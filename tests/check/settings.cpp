// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Properties that change while frames flow, and what can be read back.
#include <gst/controller/controller.h>

#include "tests/check/check_util.h"

using check::Harness;

static const std::string caps = check::caps_text("RGB", 32, 24);

GST_START_TEST(scale_while_playing) {
  Harness harness(check::fast);
  harness.caps(caps);
  for (const int scale : {1, 2, 3, 1}) {
    const std::string op = scale == 1 ? "" : "bicubic:factor=" + std::to_string(scale);
    g_object_set(harness.element(), "operator", op.c_str(), nullptr);
    const auto out = check::process(harness, check::picture(check::info_of(caps), 0, 0));
    const GstVideoInfo info = check::out_info(harness);
    fail_unless_equals_int(GST_VIDEO_INFO_WIDTH(&info), 32 * scale);
    fail_unless_equals_int(GST_VIDEO_INFO_HEIGHT(&info), 24 * scale);
    fail_unless_equals_uint64(out.size(), GST_VIDEO_INFO_SIZE(&info));
  }
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

// A change in flight equals a new element with that setting.
GST_START_TEST(steps_while_playing) {
  Harness changed(check::fast), made("reddiff prior=dct noise=10 steps=4");
  changed.caps(caps);
  made.caps(caps);
  check::stream(changed, caps, 2);
  g_object_set(changed.element(), "steps", 4, nullptr);
  fail_unless(check::stream(changed, caps, 2, 2) == check::stream(made, caps, 2));
  fail_unless_equals_uint64(changed.stat("resets-settings"), 1);
}
GST_END_TEST

// What applications do that apply all of their settings when one has changed.
GST_START_TEST(what_was_set_already_changes_nothing) {
  Harness again(check::fast), left_alone(check::fast);
  again.caps(caps);
  left_alone.caps(caps);
  check::stream(again, caps, 2);
  check::stream(left_alone, caps, 2);
  g_object_set(again.element(), "steps", 2, "operator", "", "seed", guint64{0}, nullptr);
  fail_unless(check::stream(again, caps, 2, 2) == check::stream(left_alone, caps, 2, 2));
  fail_unless_equals_uint64(again.stat("resets-settings"), 0);
}
GST_END_TEST

GST_START_TEST(noise_and_strength_keep_the_past) {
  Harness harness(check::fast);
  harness.caps(caps);
  check::stream(harness, caps, 2);
  g_object_set(harness.element(), "noise", 30.0, "strength", 0.5, nullptr);
  check::stream(harness, caps, 1, 2);
  fail_unless_equals_uint64(harness.stat("resets-settings"), 0);
  GstStructure* stats = nullptr;
  g_object_get(harness.element(), "stats", &stats, nullptr);
  gdouble noise = 0;
  fail_unless(gst_structure_get_double(stats, "noise", &noise));
  fail_unless(std::abs(noise - 30) < 1e-6);
  gst_structure_free(stats);
}
GST_END_TEST

GST_START_TEST(strength_zero_passes_buffers_through) {
  Harness harness(check::fast + std::string("strength=0"));
  harness.caps(caps);
  GstBuffer* in = check::picture(check::info_of(caps), 0, 0);
  fail_unless_equals_int(gst_harness_push(harness.h, gst_buffer_ref(in)), GST_FLOW_OK);
  GstBuffer* out = gst_harness_try_pull(harness.h);
  fail_unless(in == out);
  gst_buffer_unref(out);
  g_object_set(harness.element(), "strength", 1.0, nullptr);
  fail_unless_equals_int(gst_harness_push(harness.h, gst_buffer_ref(in)), GST_FLOW_OK);
  out = gst_harness_try_pull(harness.h);
  fail_if(in == out);
  fail_if(check::bytes(in) == check::bytes(out));
  gst_buffer_unref(out);
  g_object_set(harness.element(), "strength", 0.0, nullptr);
  fail_unless_equals_int(gst_harness_push(harness.h, gst_buffer_ref(in)), GST_FLOW_OK);
  out = gst_harness_try_pull(harness.h);
  fail_unless(in == out);
  gst_buffer_unref(out);
  gst_buffer_unref(in);
}
GST_END_TEST

GST_START_TEST(strength_is_controlled_by_stream_time) {
  Harness harness(check::fast);
  harness.caps(caps);
  GstControlSource* source = gst_interpolation_control_source_new();
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 0, 0.0);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 10 * check::frame_time, 1.0);
  gst_object_add_control_binding(GST_OBJECT(harness.element()),
                                 gst_direct_control_binding_new(GST_OBJECT(harness.element()), "strength", source));
  for (const int i : {0, 5, 10}) {
    check::stream(harness, caps, 1, i);
    gdouble strength = -1;
    g_object_get(harness.element(), "strength", &strength, nullptr);
    fail_unless(std::abs(strength - i / 10.0) < 1e-6, "frame %d: %f", i, strength);
  }
  fail_unless_equals_uint64(harness.stat("frames-out"), 3);  // no passthrough, not even at 0
  gst_object_unref(source);
}
GST_END_TEST

// Video that its source plays twice as fast already: stream time runs ahead of the buffers' own.
GST_START_TEST(noise_is_controlled_by_stream_time_at_any_rate) {
  Harness harness(check::fast);
  harness.caps(caps);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.applied_rate = 2;
  gst_harness_push_event(harness.h, gst_event_new_segment(&segment));
  GstControlSource* source = gst_interpolation_control_source_new();
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 0, 0.0);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 20 * check::frame_time, 40.0);
  gst_object_add_control_binding(GST_OBJECT(harness.element()), gst_direct_control_binding_new_absolute(
                                                                    GST_OBJECT(harness.element()), "noise", source));
  for (const int i : {0, 5, 10}) {
    check::stream(harness, caps, 1, i);
    gdouble noise = -1;
    g_object_get(harness.element(), "noise", &noise, nullptr);
    fail_unless(std::abs(noise - 4.0 * i) < 1e-6, "frame %d: %f", i, noise);
    if (i > 0) fail_unless(std::abs(harness.measured("noise") - noise) < 1e-6, "frame %d used another level", i);
  }
  gst_object_unref(source);
}
GST_END_TEST

// `device`, `prior` and `precision` wait for the next start, even when something else asks for a new Restorer.
GST_START_TEST(prior_waits_for_the_next_start) {
  Harness harness(check::fast);
  harness.caps(caps);
  check::stream(harness, caps, 1);
  g_object_set(harness.element(), "prior", "/nonexistent/file.safetensors", "steps", 3, nullptr);
  check::stream(harness, caps, 1, 1);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
  gst_element_set_state(harness.element(), GST_STATE_READY);
  fail_unless_equals_int(gst_element_set_state(harness.element(), GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 1);
}
GST_END_TEST

static std::vector<std::vector<guint8>> with_preset(const char* preset, gboolean live) {
  Harness harness(std::string("reddiff prior=dct noise=10 operator=gaussian-blur:sigma=1 preset=") + preset);
  gst_harness_set_live(harness.h, live);
  harness.caps(caps);
  return check::stream(harness, caps, 2);
}

GST_START_TEST(auto_preset_follows_the_source) {
  const auto live = with_preset("live", TRUE), quality = with_preset("quality", TRUE);
  fail_if(live == quality);
  fail_unless(with_preset("auto", TRUE) == live);
  fail_unless(with_preset("auto", FALSE) == quality);
}
GST_END_TEST

GST_START_TEST(stats_and_messages) {
  Harness harness(check::fast + std::string("post-messages=true"));
  harness.caps(caps);
  const gint64 began = g_get_monotonic_time();
  check::stream(harness, caps, 3);
  const double elapsed = static_cast<double>(g_get_monotonic_time() - began) / 1000;
  fail_unless_equals_uint64(harness.stat("frames-in"), 3);
  fail_unless_equals_uint64(harness.stat("frames-out"), 3);
  fail_unless(harness.stat("prior-calls") >= 3 * 2);
  fail_unless_equals_uint64(harness.stat("not-finite"), 0);
  int posted = 0, progress = 0;
  while (GstMessage* message = gst_bus_pop(harness.bus())) {
    if (gst_message_has_name(message, "reddiff-stats")) {
      guint64 time = 0;
      fail_unless(gst_structure_get_clock_time(gst_message_get_structure(message), "timestamp", &time));
      fail_unless_equals_uint64(time, posted * check::frame_time);
      ++posted;
    }
    progress += GST_MESSAGE_TYPE(message) == GST_MESSAGE_PROGRESS;
    gst_message_unref(message);
  }
  fail_unless_equals_int(posted, 3);
  fail_unless_equals_int(progress, 2);
  GstStructure* stats = nullptr;
  g_object_get(harness.element(), "stats", &stats, nullptr);
  gdouble mean = 0, p95 = 0;
  fail_unless(gst_structure_get(stats, "mean-ms", G_TYPE_DOUBLE, &mean, "p95-ms", G_TYPE_DOUBLE, &p95, nullptr));
  // Of three frames the 95th percentile is the slowest; all of them lie within what passed here.
  fail_unless(mean > 0 && p95 >= mean && p95 <= 3 * mean && 3 * mean <= elapsed, "mean %f, p95 %f of %f", mean, p95,
              elapsed);
  fail_unless(strstr(gst_structure_get_string(stats, "device"), "cpu") != nullptr ||
              strstr(gst_structure_get_string(stats, "device"), "cuda") != nullptr);
  gst_structure_free(stats);
}
GST_END_TEST

static const std::string i420 = check::caps_text("I420", 64, 48);

// Whether upstream is told that it may send any strides.
static bool takes_any_strides(Harness& harness) {
  GstCaps* asked = gst_caps_from_string(i420.c_str());
  GstQuery* query = gst_query_new_allocation(asked, TRUE);
  fail_unless(gst_pad_peer_query(harness.h->srcpad, query));
  const bool any = gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  gst_query_unref(query);
  gst_caps_unref(asked);
  return any;
}

static bool asked_upstream_again(Harness& harness) {
  bool found = false;
  while (GstEvent* event = gst_harness_try_pull_upstream_event(harness.h)) {
    found = found || GST_EVENT_TYPE(event) == GST_EVENT_RECONFIGURE;
    gst_event_unref(event);
  }
  return found;
}

// Buffers that pass through are the next element's to read: what it did not offer must not be promised, from before the first buffer on.
GST_START_TEST(strides_are_promised_for_as_long_as_they_are_read_here) {
  Harness harness(std::string(check::fast) + "strength=0");
  harness.caps(i420);
  fail_unless(!takes_any_strides(harness));
  check::stream(harness, i420, 1);
  asked_upstream_again(harness);
  for (const double strength : {1., 0., 0.5}) {
    g_object_set(harness.element(), "strength", strength, nullptr);
    check::stream(harness, i420, 1, 1);
    fail_unless(asked_upstream_again(harness));
    fail_unless_equals_int(takes_any_strides(harness), strength > 0);
  }
}
GST_END_TEST

// The picture of check::picture with rows 64 bytes longer than caps say.
static GstBuffer* padded(const GstVideoInfo& info, int index) {
  GstVideoInfo wide =
      check::info_of(check::caps_text("I420", GST_VIDEO_INFO_WIDTH(&info) + 64, GST_VIDEO_INFO_HEIGHT(&info)));
  GstBuffer *straight = check::picture(info, index, index), *buffer = check::picture(wide, index, 7);
  gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info), info.width,
                                 info.height, GST_VIDEO_INFO_N_PLANES(&info), wide.offset, wide.stride);
  GstVideoFrame from, to;
  fail_unless(gst_video_frame_map(&from, &info, straight, GST_MAP_READ));
  fail_unless(gst_video_frame_map(&to, &info, buffer, GST_MAP_WRITE));
  fail_unless(gst_video_frame_copy(&to, &from));
  gst_video_frame_unmap(&to);
  gst_video_frame_unmap(&from);
  gst_buffer_unref(straight);
  return buffer;
}

// What upstream laid out for this element, before it heard that another one reads it, is laid out anew.
GST_START_TEST(frames_on_the_way_lie_as_the_next_element_reads_them) {
  const GstVideoInfo info = check::info_of(i420);
  Harness harness(check::fast);
  harness.caps(i420);
  check::stream(harness, i420, 1);
  g_object_set(harness.element(), "strength", 0.0, nullptr);
  for (int i = 1; i < 3; ++i) {
    GstBuffer* expected = check::picture(info, i, i);
    fail_unless_equals_int(gst_harness_push(harness.h, padded(info, i)), GST_FLOW_OK);
    GstBuffer* out = gst_harness_try_pull(harness.h);
    fail_unless(out != nullptr && gst_buffer_get_video_meta(out) == nullptr);
    fail_unless(check::bytes(out) == check::bytes(expected));
    fail_unless_equals_uint64(GST_BUFFER_PTS(out), GST_BUFFER_PTS(expected));
    gst_buffer_unref(out);
    gst_buffer_unref(expected);
  }
  takes_any_strides(harness);  // upstream has asked: what comes now is between it and the next element
  GstBuffer* buffer = padded(info, 3);
  fail_unless_equals_int(gst_harness_push(harness.h, gst_buffer_ref(buffer)), GST_FLOW_OK);
  GstBuffer* out = gst_harness_try_pull(harness.h);
  fail_unless(out == buffer);
  gst_buffer_unref(out);
  gst_buffer_unref(buffer);
}
GST_END_TEST

// Two properties that make no sense one without the other, with a frame between them.
GST_START_TEST(what_is_set_together_is_taken_over_together) {
  Harness harness(std::string(check::fast) + "scale=3 operator=bicubic:factor=3");
  harness.caps(caps);
  check::stream(harness, caps, 1);
  g_object_freeze_notify(G_OBJECT(harness.element()));  // as g_object_set does
  g_object_set(harness.element(), "operator", "bicubic:factor=2", nullptr);
  check::stream(harness, caps, 1, 1);
  fail_unless_equals_int(check::out_info(harness).width, 3 * 32);
  g_object_set(harness.element(), "scale", 2, nullptr);
  g_object_thaw_notify(G_OBJECT(harness.element()));
  check::stream(harness, caps, 1, 2);
  fail_unless_equals_int(check::out_info(harness).width, 2 * 32);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

// Another kind of video is another chance.
GST_START_TEST(other_caps_end_a_failure) {
  const std::string others = check::caps_text("RGB", 16, 12);
  for (const char* line : {check::fast, "reddiffdegrade"}) {
    Harness harness(line);
    harness.caps(caps);
    GstBuffer* small = check::picture(check::info_of(others), 0, 0);
    fail_unless_equals_int(gst_harness_push(harness.h, small), GST_FLOW_ERROR);
    fail_unless_equals_int(check::take_errors(harness.bus()).count, 1);
    harness.caps(others);
    check::stream(harness, others, 2, 1);
    fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
  }
}
GST_END_TEST

static Suite* settings_suite() {
  Suite* suite = suite_create("settings");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, scale_while_playing);
  tcase_add_test(cases, frames_on_the_way_lie_as_the_next_element_reads_them);
  tcase_add_test(cases, what_is_set_together_is_taken_over_together);
  tcase_add_test(cases, other_caps_end_a_failure);
  tcase_add_test(cases, steps_while_playing);
  tcase_add_test(cases, what_was_set_already_changes_nothing);
  tcase_add_test(cases, noise_and_strength_keep_the_past);
  tcase_add_test(cases, strength_zero_passes_buffers_through);
  tcase_add_test(cases, strength_is_controlled_by_stream_time);
  tcase_add_test(cases, noise_is_controlled_by_stream_time_at_any_rate);
  tcase_add_test(cases, prior_waits_for_the_next_start);
  tcase_add_test(cases, auto_preset_follows_the_source);
  tcase_add_test(cases, stats_and_messages);
  tcase_add_test(cases, strides_are_promised_for_as_long_as_they_are_read_here);
  return suite;
}

GST_CHECK_MAIN(settings)
