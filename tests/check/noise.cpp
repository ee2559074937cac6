// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The estimate of the noise as users meet it: its bound, what `stats` says of it, and the hint where it is of no use.
#include <random>

#include "core/api/units.h"
#include "gst-plugin/hints.h"
#include "tests/check/check_util.h"

using check::Harness;
using reddiff::NoiseFound;

static const std::string caps = check::caps_text("RGB", 64, 48);

// Grey with white noise.
static GstBuffer* grey(int index, double level) {
  const GstVideoInfo info = check::info_of(caps);
  std::mt19937 random(index + 1);
  std::normal_distribution<double> normal(128, level);
  std::vector<guint8> values(GST_VIDEO_INFO_SIZE(&info), 128);
  if (level > 0)
    for (guint8& value : values) value = static_cast<guint8>(std::lround(CLAMP(normal(random), 0, 255)));
  GstBuffer* buffer = gst_buffer_new_memdup(values.data(), values.size());
  GST_BUFFER_PTS(buffer) = index * check::frame_time;
  GST_BUFFER_DURATION(buffer) = check::frame_time;
  return buffer;
}

static void push(Harness& harness, int from, int count, double level) {
  for (int i = from; i < from + count; ++i) check::process(harness, grey(i, level));
}

// The sentences of all messages of a type so far.
static std::vector<std::string> told(Harness& harness, GstMessageType type) {
  std::vector<std::string> texts;
  while (GstMessage* message = gst_bus_pop_filtered(harness.bus(), type)) {
    GError* error = nullptr;
    gchar* debug = nullptr;
    (type == GST_MESSAGE_INFO ? gst_message_parse_info : gst_message_parse_warning)(message, &error, &debug);
    texts.emplace_back(error->message);
    // All that gst-launch-1.0 shows of an INFO message.
    if (type == GST_MESSAGE_INFO) fail_unless(strstr(debug, error->message) != nullptr, "%s", debug);
    g_error_free(error);
    g_free(debug);
    gst_message_unref(message);
  }
  return texts;
}

static std::size_t hints(Harness& harness) {
  return told(harness, GST_MESSAGE_INFO).size() + told(harness, GST_MESSAGE_WARNING).size();
}

GST_START_TEST(the_estimate_has_a_bound) {
  Harness harness("reddiff prior=dct steps=1 noise-max=6");
  harness.caps(caps);
  push(harness, 0, 2, 20);
  fail_unless_equals_float(harness.measured("noise"), 6);
  g_object_set(harness.element(), "noise-max", 255.0, nullptr);
  push(harness, 2, 2, 20);
  fail_unless(harness.measured("noise") > 15);
  g_object_set(harness.element(), "noise-max", 6.0, "noise", 30.0, nullptr);
  push(harness, 4, 1, 20);
  fail_unless_equals_float(harness.measured("noise"), 30);
  fail_unless_equals_uint64(harness.stat("resets-settings"), 0);
}
GST_END_TEST

GST_START_TEST(stats_say_more_of_the_noise) {
  Harness harness("reddiff prior=dct steps=1");
  harness.caps(caps);
  push(harness, 0, 2, 20);
  const std::string fields[] = {"noise-plane-0", "noise-plane-1", "noise-plane-2"};
  for (const std::string& field : fields)
    fail_unless(harness.measured(field) > 10 && harness.measured(field) < 30, "%s", field.c_str());
  fail_unless(harness.measured("noise-slope") > 0);
  fail_unless(harness.measured("noise-share") >= 0 && harness.measured("noise-share") <= 1);
}
GST_END_TEST

GST_START_TEST(no_noise_is_told_once_a_stream) {
  Harness harness("reddiff prior=dct steps=1");
  harness.caps(caps);
  push(harness, 0, 24, 0);
  fail_unless_equals_uint64(hints(harness), 0);
  push(harness, 24, 1, 0);
  const auto texts = told(harness, GST_MESSAGE_INFO);
  fail_unless_equals_uint64(texts.size(), 1);
  fail_unless(texts[0].find("set noise to") != std::string::npos, "%s", texts[0].c_str());
  push(harness, 25, 30, 0);
  push(harness, 55, 2, 20);
  push(harness, 57, 30, 0);
  fail_unless_equals_uint64(hints(harness), 0);
  gst_harness_push_event(harness.h, gst_event_new_stream_start("another"));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(harness.h, gst_event_new_segment(&segment));
  push(harness, 87, 26, 0);
  fail_unless_equals_uint64(hints(harness), 1);
}
GST_END_TEST

GST_START_TEST(too_much_noise_is_told_once_a_stream) {
  Harness harness("reddiff prior=dct steps=1 noise-max=6");
  harness.caps(caps);
  push(harness, 0, 24, 20);
  fail_unless_equals_uint64(hints(harness), 0);
  push(harness, 24, 10, 20);
  const auto texts = told(harness, GST_MESSAGE_WARNING);
  fail_unless_equals_uint64(texts.size(), 1);
  fail_unless(texts[0].find("noise-max=6,") != std::string::npos, "%s", texts[0].c_str());
  push(harness, 34, 30, 20);
  fail_unless_equals_uint64(hints(harness), 0);
}
GST_END_TEST

// A level that was set, another thing to do, noise that is there, nothing that would be seen.
GST_START_TEST(where_an_estimate_is_not_used_nothing_is_told_of_it) {
  for (const std::string properties :
       {"noise=10", "noise=0", "task=super-resolution", "scale=2", "operator=gaussian-blur:sigma=1", "mask-source=roi",
        "noise-max=0", "strength=0 mask-source=roi"}) {
    Harness harness("reddiff prior=dct steps=1 temporal=none " + properties);
    harness.caps(caps);
    push(harness, 0, 30, 0);
    fail_unless_equals_uint64(hints(harness), 0);
  }
  Harness noisy("reddiff prior=dct steps=1");
  noisy.caps(caps);
  push(noisy, 0, 30, 20);
  fail_unless_equals_uint64(hints(noisy), 0);
}
GST_END_TEST

static GstVideoInfo at_rate(const char* rate) {
  GstVideoInfo info = check::info_of(caps);
  fail_unless_equals_int(sscanf(rate, "%d/%d", &info.fps_n, &info.fps_d), 2);
  return info;
}

GST_START_TEST(a_second_is_so_many_frames) {
  const std::pair<const char*, int> rates[] = {
      {"25/1", 25}, {"60000/1001", 59}, {"1/10", 1}, {"0/1", 25}, {"240/1", 240}};
  for (const auto& [rate, frames] : rates) {
    const GstVideoInfo info = at_rate(rate);
    reddiff::HeldForASecond in_a_row, at_times;
    for (int i = 1; i < frames; ++i) fail_if(in_a_row.on_frame(true, info), "%s: %d", rate, i);
    fail_unless(in_a_row.on_frame(true, info), "%s", rate);
    for (int i = 0; i < 3 * frames; ++i) fail_if(in_a_row.on_frame(true, info), "%s: again", rate);
    for (int i = 0; frames > 1 && i < 3 * frames; ++i) fail_if(at_times.on_frame(i % 2, info), "%s: %d", rate, i);
  }
}
GST_END_TEST

GST_START_TEST(what_was_found_depends_on_the_depth_and_the_bound) {
  const GstVideoInfo eight = check::info_of(caps), ten = check::info_of(check::caps_text("I420_10LE", 32, 24));
  const double floor = reddiff::level_to_user(reddiff::quantisation_floor(8));
  reddiff::InForce force;
  force.frame.noise_max = 40;
  const auto found = [&](double noise, const GstVideoInfo& info) {
    reddiff::FrameReport report;
    report.noise = noise;
    return reddiff::noise_found(report, force, info);
  };
  fail_unless(found(0, eight) == NoiseFound::none && found(floor, eight) == NoiseFound::none);
  fail_unless(found(1.1 * floor, eight) == NoiseFound::some && found(floor, ten) == NoiseFound::some);
  fail_unless(found(39, eight) == NoiseFound::some && found(40, eight) == NoiseFound::most);
  force.config.task = reddiff::Task::restore;
  fail_unless(found(0, eight) == NoiseFound::none);
  force.config.task = reddiff::Task::inpaint;
  force.demands.denoises = false;  // as SettingsLedger says of it
  fail_unless(found(0, eight) == NoiseFound::some);
}
GST_END_TEST

static Suite* noise_suite() {
  Suite* suite = suite_create("noise");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, the_estimate_has_a_bound);
  tcase_add_test(cases, stats_say_more_of_the_noise);
  tcase_add_test(cases, no_noise_is_told_once_a_stream);
  tcase_add_test(cases, too_much_noise_is_told_once_a_stream);
  tcase_add_test(cases, where_an_estimate_is_not_used_nothing_is_told_of_it);
  tcase_add_test(cases, a_second_is_so_many_frames);
  tcase_add_test(cases, what_was_found_depends_on_the_depth_and_the_bound);
  return suite;
}

GST_CHECK_MAIN(noise)
