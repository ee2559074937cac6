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
  g_object_set(harness.element(), "noise", 30.0, "noise-max", 5.0, "strength", 0.5, "chroma-strength", 0.5, nullptr);
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

GST_START_TEST(strength_is_controlled_by_stream_time) {
  const char* const name = __i__ == 0 ? "strength" : "chroma-strength";
  Harness harness(check::fast);
  harness.caps(caps);
  GstControlSource* source = gst_interpolation_control_source_new();
  g_object_set(source, "mode", GST_INTERPOLATION_MODE_LINEAR, nullptr);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 0, 0.0);
  gst_timed_value_control_source_set(GST_TIMED_VALUE_CONTROL_SOURCE(source), 10 * check::frame_time, 1.0);
  gst_object_add_control_binding(GST_OBJECT(harness.element()),
                                 gst_direct_control_binding_new(GST_OBJECT(harness.element()), name, source));
  for (const int i : {0, 5, 10}) {
    check::stream(harness, caps, 1, i);
    gdouble strength = -1;
    g_object_get(harness.element(), name, &strength, nullptr);
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

// Clean up as it is, then clean up and enlarge.
GST_START_TEST(restore_takes_a_scale) {
  Harness harness(std::string(check::fast) + "task=restore");
  harness.caps(caps);
  check::stream(harness, caps, 1);
  fail_unless_equals_int(check::out_info(harness).width, 32);
  g_object_set(harness.element(), "scale", 2, nullptr);
  check::stream(harness, caps, 2, 1);
  fail_unless_equals_int(check::out_info(harness).width, 2 * 32);
  fail_unless(harness.stat("prior-calls") > 0);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

// An application may set everything, start, and let notifications out only then.
GST_START_TEST(frozen_notifications_do_not_hide_settings_from_a_start) {
  Harness harness(check::fast);
  gst_element_set_state(harness.element(), GST_STATE_NULL);
  g_object_freeze_notify(G_OBJECT(harness.element()));
  g_object_set(harness.element(), "operator", "bicubic:factor=2", nullptr);
  gst_harness_play(harness.h);
  harness.caps(caps);
  check::stream(harness, caps, 2);
  fail_unless_equals_int(check::out_info(harness).width, 2 * 32);
  g_object_thaw_notify(G_OBJECT(harness.element()));
  check::stream(harness, caps, 2, 2);
  fail_unless_equals_uint64(harness.stat("resets-settings"), 0);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

static void push_one(GObject* object, GParamSpec*, gpointer data) {
  auto* harness = static_cast<Harness*>(data);
  check::stream(*harness, caps, 1, 1 + static_cast<int>(harness->stat("frames-out")));
}

// Frames come between the properties of a preset, of the plugin's own file or GStreamer's: they see all of it or nothing.
GST_START_TEST(a_preset_is_one_change) {
  Harness harness(check::fast);
  harness.caps(caps);
  check::stream(harness, caps, 2);
  g_object_set(harness.element(), "steps", 3, "prior-weight", 0.5, nullptr);
  check::stream(harness, caps, 1, 2);
  fail_unless_equals_uint64(harness.stat("resets-settings"), 1);
  // Called for each property that was set, which is after all of them.
  const gulong id = g_signal_connect(harness.element(), "notify", G_CALLBACK(push_one), &harness);
  const gulong frames = harness.stat("frames-out");
  fail_unless(gst_preset_load_preset(GST_PRESET(harness.element()), "live"));
  g_signal_handler_disconnect(harness.element(), id);
  fail_unless(harness.stat("frames-out") >= frames + 3);
  fail_unless_equals_uint64(harness.stat("resets-settings"), 2);
  fail_unless_equals_int(check::take_errors(harness.bus()).count + check::take_warnings(harness.bus()).count, 0);
}
GST_END_TEST

static int latency_queries = 0;

// A source that says only after a while whether it is live.
static gboolean says_it_late(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) return gst_pad_query_default(pad, parent, query);
  if (++latency_queries < 4) return FALSE;
  gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

GST_START_TEST(whether_the_source_is_live_is_asked_until_it_is_known) {
  const std::string line = "reddiff prior=dct noise=10 operator=gaussian-blur:sigma=1 temporal=none preset=";
  Harness late(line + "auto"), live(line + "live"), quality(line + "quality");
  latency_queries = 0;
  gst_pad_set_query_function(late.h->srcpad, says_it_late);
  for (Harness* harness : {&late, &live, &quality}) harness->caps(caps);
  const auto is = check::stream(late, caps, 40), as_live = check::stream(live, caps, 40),
             as_quality = check::stream(quality, caps, 40);
  fail_unless(is.front() == as_quality.front());
  fail_unless(is.back() == as_live.back() && is.back() != as_quality.back());
  fail_unless_equals_int(latency_queries, 4);  // and no more once it is known
  // One that never says it is not asked before every frame.
  Harness never(line + "auto");
  latency_queries = -1000;
  gst_pad_set_query_function(never.h->srcpad, says_it_late);
  never.caps(caps);
  check::stream(never, caps, 100);
  fail_unless(latency_queries < -980, "%d", latency_queries);
}
GST_END_TEST

// It goes on to work, and what it is called now is said once.
GST_START_TEST(an_old_name_is_one_warning) {
  Harness old("reddiff prior=dct steps=3 task=super-resolution optimizer=fixed-point"),
      now("reddiff prior=dct steps=3 task=super-resolution solver=hqs");
  old.caps(caps);
  now.caps(caps);
  fail_unless(check::stream(old, caps, 3) == check::stream(now, caps, 3));
  g_object_set(old.element(), "steps", 2, nullptr);
  check::stream(old, caps, 2, 3);
  const auto warnings = check::take_warnings(old.bus());
  fail_unless_equals_int(warnings.count, 1);
  fail_unless(warnings.text.find("solver=hqs") != std::string::npos, "%s", warnings.text.c_str());
  fail_unless_equals_int(check::take_warnings(now.bus()).count, 0);
  fail_unless_equals_int(check::take_errors(old.bus()).count, 0);
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
  tcase_add_test(cases, what_is_set_together_is_taken_over_together);
  tcase_add_test(cases, restore_takes_a_scale);
  tcase_add_test(cases, frozen_notifications_do_not_hide_settings_from_a_start);
  tcase_add_test(cases, a_preset_is_one_change);
  tcase_add_test(cases, whether_the_source_is_live_is_asked_until_it_is_known);
  tcase_add_test(cases, an_old_name_is_one_warning);
  tcase_add_test(cases, other_caps_end_a_failure);
  tcase_add_test(cases, steps_while_playing);
  tcase_add_test(cases, what_was_set_already_changes_nothing);
  tcase_add_test(cases, noise_and_strength_keep_the_past);
  tcase_add_loop_test(cases, strength_is_controlled_by_stream_time, 0, 2);
  tcase_add_test(cases, noise_is_controlled_by_stream_time_at_any_rate);
  tcase_add_test(cases, prior_waits_for_the_next_start);
  tcase_add_test(cases, auto_preset_follows_the_source);
  tcase_add_test(cases, stats_and_messages);
  return suite;
}

GST_CHECK_MAIN(settings)
