// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Salt and pepper goes with no settings, in every way of storing a picture.
#include "tests/check/check_util.h"

using check::Harness;

static constexpr const char* formats[] = {"RGB", "BGRx", "GRAY8", "I420", "NV12", "Y444", "I420_10LE"};
static constexpr const char* temporal[] = {"none", "warm-start", "filter"};

// One pixel in twenty black or white, in brightness.
static void strike(const GstVideoInfo& info, GstBuffer* buffer, guint32 seed) {
  const bool rgb = GST_VIDEO_INFO_IS_RGB(&info), limited = GST_VIDEO_INFO_IS_YUV(&info);
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
  const int shift = GST_VIDEO_FRAME_COMP_DEPTH(&frame, 0) - 8;
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(&frame); ++y)
    for (int x = 0; x < GST_VIDEO_FRAME_WIDTH(&frame); ++x) {
      const gint32 draw = g_rand_int_range(random, 0, 40);
      if (draw > 1) continue;
      const guint value = draw ? (limited ? 235 : 255) : (limited ? 16 : 0);
      for (int c = 0; c < (rgb ? 3 : 1); ++c) check::set_sample(frame, c, x, y, value << shift);
    }
  gst_video_frame_unmap(&frame);
}

// Samples of the first component that are further from the truth than 20 code values of 8 bit.
static int count_wrong(const GstVideoInfo& info, GstBuffer* buffer, GstBuffer* truth) {
  GstVideoFrame shown, painted;
  fail_unless(gst_video_frame_map(&shown, &info, buffer, GST_MAP_READ));
  fail_unless(gst_video_frame_map(&painted, &info, truth, GST_MAP_READ));
  int wrong = 0;
  const int shift = GST_VIDEO_FRAME_COMP_DEPTH(&shown, 0) - 8;
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(&shown); ++y)
    for (int x = 0; x < GST_VIDEO_FRAME_WIDTH(&shown); ++x)
      wrong += std::abs(static_cast<int>(check::sample(shown, 0, x, y)) -
                        static_cast<int>(check::sample(painted, 0, x, y))) > 20 << shift;
  gst_video_frame_unmap(&painted);
  gst_video_frame_unmap(&shown);
  return wrong;
}

GST_START_TEST(salt_and_pepper_goes_with_no_settings) {
  Harness harness(std::string("reddiff prior=dct steps=1 temporal=") + temporal[__i__ % G_N_ELEMENTS(temporal)]);
  const char* format = formats[__i__ / G_N_ELEMENTS(temporal)];
  const std::string caps = check::caps_text(format, 96, 64);
  const GstVideoInfo info = check::info_of(caps);
  harness.caps(caps);
  for (int t = 0; t < 2; ++t) {
    GstBuffer* truth = check::picture(info, t, t);
    GstBuffer* struck = check::picture(info, t, t);
    strike(info, struck, static_cast<guint32>(t));
    fail_unless(count_wrong(info, struck, truth) > 200);
    fail_unless_equals_int(gst_harness_push(harness.h, struck), GST_FLOW_OK);
    GstBuffer* out = gst_harness_try_pull(harness.h);
    fail_unless(out != nullptr);
    const int wrong = count_wrong(info, out, truth);
    fail_unless(wrong <= 2, "%s frame %d: %d pixels are wrong", format, t, wrong);
    gst_buffer_unref(out);
    gst_buffer_unref(truth);
  }
}
GST_END_TEST

static Suite* impulses_suite() {
  Suite* suite = suite_create("impulses");
  TCase* tcase = tcase_create("impulses");
  suite_add_tcase(suite, tcase);
  tcase_add_loop_test(tcase, salt_and_pepper_goes_with_no_settings, 0, G_N_ELEMENTS(formats) * G_N_ELEMENTS(temporal));
  return suite;
}

GST_CHECK_MAIN(impulses)
