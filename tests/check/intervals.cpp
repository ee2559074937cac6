// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Video that was clipped, rounded or coded by reddiffdegrade, and what reddiff makes of it when it is told so: dB over the input, in
// frames of several formats, alone and along time.
#include "tests/check/check_util.h"

using check::Harness;

static constexpr int width = 96, height = 64;

// Waves and discs that drift by a pixel a frame, in code values of 8 bits within the legal range of every component.
// shows: most of the contrast is in this component.
static double scene(int component, bool shows, double x, double y) {
  double value =
      128 + (shows ? 60 : 30) * std::sin(0.07 * x + component) * std::cos(0.05 * y) + 6 * std::sin(0.9 * x + 0.4 * y);
  for (int i = 0; i < 4; ++i) {
    const double dx = x - 20 * i - 18, dy = y - 12 * i - 10;
    if (dx * dx + dy * dy < 90) value += (i % 2 ? -1 : 1) * (shows ? 45 : 12);
  }
  return CLAMP(value, 20, 230);
}

static GstBuffer* frame(const GstVideoInfo& info, int index) {
  GstBuffer* buffer = check::picture(info, index, 0);
  GstVideoFrame f;
  fail_unless(gst_video_frame_map(&f, &info, buffer, GST_MAP_READWRITE));
  for (guint c = 0; c < MIN(GST_VIDEO_FRAME_N_COMPONENTS(&f), 3); ++c) {
    const double xs = double(width) / GST_VIDEO_FRAME_COMP_WIDTH(&f, c);
    const double ys = double(height) / GST_VIDEO_FRAME_COMP_HEIGHT(&f, c);
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&f, c); ++y)
      for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&f, c); ++x)
        check::set_sample(
            f, c, x, y,
            static_cast<guint>(std::lround(scene(c, c == 0 || GST_VIDEO_INFO_IS_RGB(&info), x * xs + index, y * ys)))
                << (GST_VIDEO_FRAME_COMP_DEPTH(&f, c) - 8));
  }
  gst_video_frame_unmap(&f);
  return buffer;
}

// dB of the component that shows most, over its range.
static double psnr(const GstVideoInfo& info, GstBuffer* a, GstBuffer* b) {
  GstVideoFrame f, g;
  fail_unless(gst_video_frame_map(&f, &info, a, GST_MAP_READ) && gst_video_frame_map(&g, &info, b, GST_MAP_READ));
  const guint most = GST_VIDEO_INFO_IS_RGB(&info) ? 1 : 0;
  double sum = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double difference = double(check::sample(f, most, x, y)) - double(check::sample(g, most, x, y));
      sum += difference * difference;
    }
  const double range = (1 << GST_VIDEO_FRAME_COMP_DEPTH(&f, most)) - 1;
  gst_video_frame_unmap(&f);
  gst_video_frame_unmap(&g);
  return 10 * std::log10(range * range * width * height / MAX(sum, 1e-9));
}

// One frame through an element; the caller owns what comes out.
static GstBuffer* through(Harness& harness, GstBuffer* in) {
  fail_unless_equals_int(gst_harness_push(harness.h, gst_buffer_ref(in)), GST_FLOW_OK);
  GstBuffer* out = gst_harness_try_pull(harness.h);
  fail_unless(out != nullptr);
  return out;
}

// Of the last of `count` frames.
static double gain_of(const std::string& operator_text, const std::string& format, const std::string& settings,
                      int count = 1) {
  const std::string caps = check::caps_text(format, width, height);
  const GstVideoInfo info = check::info_of(caps);
  Harness degrade("reddiffdegrade operator=" + operator_text);
  Harness restore("reddiff prior=tiny operator=" + operator_text + " " + settings);
  degrade.caps(caps);
  restore.caps(caps);
  double gain = 0;
  for (int i = 0; i < count; ++i) {
    GstBuffer* truth = frame(info, i);
    GstBuffer* degraded = through(degrade, truth);
    GstBuffer* restored = through(restore, degraded);
    gain = psnr(info, restored, truth) - psnr(info, degraded, truth);
    for (GstBuffer* buffer : {truth, degraded, restored}) gst_buffer_unref(buffer);
  }
  return gain;
}

GST_START_TEST(gains_over_the_input_in_every_format) {
  struct Case {
    const char* text;
    double gain;
  };
  for (const auto& [text, gain] : {Case{"hdr:gain=2", 6}, Case{"quantise:bits=3", 1}, Case{"jpeg:quality=20", 0.2}})
    for (const char* format : {"RGB", "BGRA", "I420", "NV12", "Y444", "P010_10LE", "GRAY8"}) {
      const double found = gain_of(text, format, "temporal=none");
      fail_unless(found > gain, "%s %s: %f dB", text, format, found);
    }
}
GST_END_TEST

GST_START_TEST(every_preset_and_every_way_through_time) {
  for (const char* text : {"hdr:gain=2", "quantise:bits=3", "jpeg:quality=20"})
    for (const char* settings : {"preset=live", "preset=quality", "preset=archive temporal=none", "temporal=warm-start",
                                 "optimizer=fixed-point steps=1"}) {
      const double found = gain_of(text, "RGB", settings, 3);
      fail_unless(found > 0.1, "%s %s: %f dB", text, settings, found);
    }
}
GST_END_TEST

// Straight-through: how far that goes is no promise, but what leaves is another picture, and no worse than by some dB.
GST_START_TEST(red_diff_runs_on_them) {
  for (const char* text : {"hdr:gain=2", "quantise:bits=3", "jpeg:quality=20"}) {
    const double found = gain_of(text, "RGB", "solver=red-diff steps=10 temporal=none");
    fail_unless(found != 0 && found > -3, "%s: %f dB", text, found);
  }
}
GST_END_TEST

GST_START_TEST(the_same_input_gives_the_same_bytes) {
  const std::string caps = check::caps_text("I420", 48, 32);
  const auto run = [&](const char* text) {
    Harness harness(std::string("reddiff prior=dct operator=") + text);
    harness.caps(caps);
    return check::stream(harness, caps, 3);
  };
  for (const char* text : {"hdr:gain=2", "quantise:bits=3", "jpeg:quality=20"}) fail_unless(run(text) == run(text));
}
GST_END_TEST

static Suite* intervals_suite() {
  Suite* suite = suite_create("intervals");
  TCase* cases = tcase_create("all");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, gains_over_the_input_in_every_format);
  tcase_add_test(cases, every_preset_and_every_way_through_time);
  tcase_add_test(cases, red_diff_runs_on_them);
  tcase_add_test(cases, the_same_input_gives_the_same_bytes);
  return suite;
}

GST_CHECK_MAIN(intervals)
