// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/caps.h"

#include <algorithm>

#include "tests/check/check_util.h"

using reddiff::Rounding;

// scale_caps on text, compared as text: GStreamer cannot compare lists that hold both numbers and ranges.
static void expect(const char* in, int numerator, int denominator, Rounding rounding, const char* out) {
  GstCaps* caps = gst_caps_from_string(in);
  GstCaps* expected = gst_caps_from_string(out);
  GstCaps* scaled = reddiff::scale_caps(caps, numerator, denominator, rounding);
  gchar* text = gst_caps_to_string(scaled);
  gchar* expected_text = gst_caps_to_string(expected);
  fail_unless(g_str_equal(text, expected_text), "%s * %d/%d: %s, not %s", in, numerator, denominator, text,
              expected_text);
  g_free(text);
  g_free(expected_text);
  gst_caps_unref(scaled);
  gst_caps_unref(expected);
  gst_caps_unref(caps);
}

GST_START_TEST(multiplies) {
  expect("video/x-raw,width=64,height=48", 2, 1, Rounding::exact, "video/x-raw,width=128,height=96");
  expect("video/x-raw,width=[1,100],height=[3,4]", 3, 1, Rounding::exact, "video/x-raw,width=[3,300],height=[9,12]");
  expect("video/x-raw,width={10,20},height={1,[2,3]}", 2, 1, Rounding::exact,
         "video/x-raw,width={20,40},height={2,[4,6]}");
  expect("video/x-raw,format=I420", 4, 1, Rounding::exact, "video/x-raw,format=I420");
}
GST_END_TEST

GST_START_TEST(divides_only_exactly) {
  expect("video/x-raw,width=64,height=48", 1, 2, Rounding::exact, "video/x-raw,width=32,height=24");
  expect("video/x-raw,width=65,height=48", 1, 2, Rounding::exact, "EMPTY");
  expect("video/x-raw,width=[5,9],height=[1,3]", 1, 2, Rounding::exact, "video/x-raw,width=[3,4],height=1");
  expect("video/x-raw,width=[5,7],height=8", 1, 4, Rounding::exact, "EMPTY");
  expect("video/x-raw,width={10,11,12},height=4", 1, 2, Rounding::exact, "video/x-raw,width={5,6},height=2");
  expect("video/x-raw,width={9,11},height=4", 1, 2, Rounding::exact, "EMPTY");
  expect("video/x-raw,width=65,height=48; video/x-raw,width=64,height=48", 1, 2, Rounding::exact,
         "video/x-raw,width=32,height=24");
}
GST_END_TEST

// Ranges with a step hold its multiples. One to one nothing changes: an encoder that takes even widths is offered those.
GST_START_TEST(keeps_steps) {
  expect("video/x-raw,width=[32,1920,2],height=[8,1080,4]", 1, 1, Rounding::exact,
         "video/x-raw,width=[32,1920,2],height=[8,1080,4]");
  expect("video/x-raw,width=[32,1920,2],height=[8,1080,4]", 3, 1, Rounding::exact,
         "video/x-raw,width=[96,5760,6],height=[24,3240,12]");
  expect("video/x-raw,width=[32,1920,2],height=[8,1080,4]", 1, 3, Rounding::exact,
         "video/x-raw,width=[12,640,2],height=[4,360,4]");
  expect("video/x-raw,width=[34,1922,2],height=[4,8,4]", 1, 4, Rounding::exact,
         "video/x-raw,width=[9,480],height=[1,2]");
  expect("video/x-raw,width=[6,14,2],height=8", 1, 8, Rounding::exact, "video/x-raw,width=1,height=1");
  expect("video/x-raw,width=[10,14,2],height=8", 1, 8, Rounding::exact, "EMPTY");
  expect("video/x-raw,width=[2,2147483646,2],height=8", 3, 1, Rounding::exact,
         "video/x-raw,width=[6,2147483646,6],height=24");
}
GST_END_TEST

GST_START_TEST(rounds_down_when_asked) {
  expect("video/x-raw,width=65,height=48", 1, 4, Rounding::down, "video/x-raw,width=16,height=12");
  expect("video/x-raw,width=3,height=4", 1, 4, Rounding::down, "video/x-raw,width=1,height=1");
}
GST_END_TEST

GST_START_TEST(is_cut_to_int) {
  expect("video/x-raw,width=[1,2147483647],height=2147483647", 8, 1, Rounding::exact,
         "video/x-raw,width=[8,2147483647],height=2147483647");
}
GST_END_TEST

GST_START_TEST(keeps_fields_and_features) {
  expect(
      "video/x-raw(memory:CUDAMemory),format=NV12,width=2,height=2,pixel-aspect-ratio=4/3,framerate=0/"
      "1,multiview-mode=mono",
      2, 1, Rounding::exact,
      "video/x-raw(memory:CUDAMemory),format=NV12,width=4,height=4,pixel-aspect-ratio=4/3,framerate=0/"
      "1,multiview-mode=mono");
  expect("ANY", 2, 1, Rounding::exact, "ANY");
  expect("EMPTY", 2, 1, Rounding::exact, "EMPTY");
}
GST_END_TEST

// Every exact scaling that succeeds is undone by the inverse one.
GST_START_TEST(round_trip) {
  for (int scale = 1; scale <= 8; ++scale)
    for (int size : {1, 2, 7, 64, 4095}) {
      GstCaps* caps = gst_caps_from_string(check::caps_text("RGB", size, size).c_str());
      GstCaps* up = reddiff::scale_caps(caps, scale, 1, Rounding::exact);
      GstCaps* back = reddiff::scale_caps(up, 1, scale, Rounding::exact);
      fail_unless(gst_caps_is_strictly_equal(caps, back));
      gst_caps_unref(back);
      gst_caps_unref(up);
      gst_caps_unref(caps);
    }
}
GST_END_TEST

GST_START_TEST(keeps_alpha_only) {
  GstCaps* kept = reddiff::keep_alpha_formats(reddiff::make_raw_caps(reddiff::raw_formats));
  GstCaps* alpha = reddiff::make_raw_caps(reddiff::alpha_formats);
  fail_unless(gst_caps_is_equal(kept, alpha));
  gst_caps_unref(kept);
  gst_caps_unref(alpha);
  GstCaps* none = reddiff::keep_alpha_formats(gst_caps_from_string("video/x-raw,format={I420,RGB},width=2,height=2"));
  fail_unless(gst_caps_is_empty(none));
  gst_caps_unref(none);
}
GST_END_TEST

// Both lists hold formats that GStreamer knows; those with four components carry alpha.
GST_START_TEST(format_lists) {
  const std::vector<std::string> alpha = check::words(reddiff::alpha_formats);
  guint with_alpha = 0;
  for (const std::string& name : check::words(reddiff::raw_formats)) {
    const GstVideoFormat format = gst_video_format_from_string(name.c_str());
    fail_unless(format != GST_VIDEO_FORMAT_UNKNOWN, "%s", name.c_str());
    const bool listed = std::find(alpha.begin(), alpha.end(), name) != alpha.end();
    fail_unless(listed == (GST_VIDEO_FORMAT_INFO_N_COMPONENTS(gst_video_format_get_info(format)) == 4), "%s",
                name.c_str());
    with_alpha += listed;
  }
  fail_unless_equals_int(with_alpha, alpha.size());
}
GST_END_TEST

static void expect_colour(const char* in, const char* colorimetry, const char* site) {
  GstCaps* caps = gst_caps_from_string(in);
  GstCaps* out = reddiff::fixate_with_colour(reddiff::scale_caps(caps, 2, 1, Rounding::exact), caps);
  const GstStructure* s = gst_caps_get_structure(out, 0);
  fail_unless_equals_string(gst_structure_get_string(s, "colorimetry"), colorimetry);
  fail_unless_equals_string(gst_structure_get_string(s, "chroma-site"), site);
  gst_caps_unref(out);
  gst_caps_unref(caps);
}

GST_START_TEST(colour_is_explicit) {
  // Without the fields the enlarged picture would be read as BT.709, the small one as BT.601.
  expect_colour("video/x-raw,format=I420,width=640,height=480,framerate=25/1", "bt601", "jpeg");
  expect_colour("video/x-raw,format=I420,width=1280,height=720,framerate=25/1", "bt709", "mpeg2");
  expect_colour("video/x-raw,format=RGB,width=640,height=480,framerate=25/1", "sRGB", nullptr);
  expect_colour("video/x-raw,format=NV12,width=64,height=48,framerate=25/1,colorimetry=bt709,chroma-site=dv", "bt709",
                "dv");
}
GST_END_TEST

static Suite* caps_suite() {
  Suite* suite = suite_create("caps");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, multiplies);
  tcase_add_test(cases, divides_only_exactly);
  tcase_add_test(cases, keeps_steps);
  tcase_add_test(cases, rounds_down_when_asked);
  tcase_add_test(cases, is_cut_to_int);
  tcase_add_test(cases, keeps_fields_and_features);
  tcase_add_test(cases, round_trip);
  tcase_add_test(cases, keeps_alpha_only);
  tcase_add_test(cases, format_lists);
  tcase_add_test(cases, colour_is_explicit);
  return suite;
}

GST_CHECK_MAIN(caps)
