// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What must survive beside the pixels: colour description, aspect ratio, frame rate, time, metas, alpha.
#include "tests/check/check_util.h"

using check::Harness;

// The caps that `line` makes of `in`.
static GstCaps* caps_after(const std::string& line, const std::string& in) {
  Harness harness(line);
  harness.caps(in);
  return gst_pad_get_current_caps(harness.h->sinkpad);
}

static void expect_field(GstCaps* caps, const char* field, const char* expected) {
  const GValue* value = gst_structure_get_value(gst_caps_get_structure(caps, 0), field);
  fail_unless(value != nullptr, "no %s", field);
  gchar* text = gst_value_serialize(value);
  fail_unless_equals_string(text, expected);
  g_free(text);
}

GST_START_TEST(colour_survives_the_hd_border) {
  GstCaps* caps =
      caps_after("reddiff prior=dct steps=1 task=super-resolution noise=2", check::caps_text("I420", 640, 480));
  expect_field(caps, "width", "1280");
  expect_field(caps, "height", "960");
  expect_field(caps, "colorimetry", "bt601");
  expect_field(caps, "chroma-site", "jpeg");
  gst_caps_unref(caps);
  caps = caps_after(check::fast, check::caps_text("NV12", 64, 48, ",colorimetry=bt2020,chroma-site=mpeg2"));
  expect_field(caps, "colorimetry", "bt2020");
  expect_field(caps, "chroma-site", "mpeg2");
  gst_caps_unref(caps);
}
GST_END_TEST

GST_START_TEST(aspect_ratio_and_rate) {
  GstCaps* caps = caps_after(check::fast_scaled(2),
                             "video/x-raw,format=RGB,width=32,height=24,framerate=0/1,max-framerate=30/1,"
                             "pixel-aspect-ratio=16/11,multiview-mode=mono");
  expect_field(caps, "pixel-aspect-ratio", "16/11");
  expect_field(caps, "framerate", "0/1");
  expect_field(caps, "max-framerate", "30/1");
  gst_caps_unref(caps);
}
GST_END_TEST

GST_START_TEST(times_are_untouched) {
  Harness harness(check::fast);
  const std::string caps = check::caps_text("RGB", 16, 16);
  const GstVideoInfo info = check::info_of(caps);
  harness.caps(caps);
  for (const GstClockTime pts : {GstClockTime(7), GstClockTime(GST_SECOND + 13), GST_CLOCK_TIME_NONE}) {
    GstBuffer* in = check::picture(info, 0, 0);
    GST_BUFFER_PTS(in) = pts;
    GST_BUFFER_DURATION(in) = 3;
    GST_BUFFER_OFFSET(in) = 99;
    fail_unless_equals_int(gst_harness_push(harness.h, in), GST_FLOW_OK);
    GstBuffer* out = gst_harness_try_pull(harness.h);
    fail_unless_equals_uint64(GST_BUFFER_PTS(out), pts);
    fail_unless_equals_uint64(GST_BUFFER_DURATION(out), 3);
    fail_unless_equals_uint64(GST_BUFFER_OFFSET(out), 99);
    gst_buffer_unref(out);
  }
}
GST_END_TEST

static GstBuffer* with_metas(const GstVideoInfo& info) {
  GstBuffer* buffer = check::picture(info, 0, 0);
  gst_buffer_add_video_region_of_interest_meta(buffer, "face", 3, 4, 5, 6);
  GstVideoTimeCode* code = gst_video_time_code_new(25, 1, nullptr, GST_VIDEO_TIME_CODE_FLAGS_NONE, 1, 2, 3, 4, 0);
  gst_buffer_add_video_time_code_meta(buffer, code);
  gst_video_time_code_free(code);
  return buffer;
}

GST_START_TEST(metas_are_carried) {
  const int scale = __i__;
  Harness harness(check::fast_scaled(scale));
  const std::string caps = check::caps_text("I420", 32, 24);
  harness.caps(caps);
  fail_unless_equals_int(gst_harness_push(harness.h, with_metas(check::info_of(caps))), GST_FLOW_OK);
  GstBuffer* out = gst_harness_try_pull(harness.h);
  const auto* roi = reinterpret_cast<const GstVideoRegionOfInterestMeta*>(
      gst_buffer_get_meta(out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE));
  fail_unless(roi != nullptr);
  fail_unless_equals_int(roi->x, 3 * scale);
  fail_unless_equals_int(roi->y, 4 * scale);
  fail_unless_equals_int(roi->w, 5 * scale);
  fail_unless_equals_int(roi->h, 6 * scale);
  fail_unless_equals_int(gst_buffer_get_n_meta(out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE), 1);
  const auto* code = gst_buffer_get_video_time_code_meta(out);
  fail_unless(code != nullptr);
  fail_unless_equals_int(code->tc.frames, 4);
  gst_buffer_unref(out);
}
GST_END_TEST

// Smallest and largest alpha of what `line` makes of a frame of constant alpha.
static void expect_alpha(const std::string& line, const std::string& format, double alpha, guint expected) {
  Harness harness(line);
  const std::string caps = check::caps_text(format, 24, 16);
  harness.caps(caps);
  fail_unless_equals_int(gst_harness_push(harness.h, check::picture(check::info_of(caps), 0, 0, alpha)), GST_FLOW_OK);
  GstBuffer* out = gst_harness_try_pull(harness.h);
  const GstVideoInfo info = check::out_info(harness);
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, out, GST_MAP_READ));
  for (int y = 0; y < GST_VIDEO_FRAME_HEIGHT(&frame); ++y)
    for (int x = 0; x < GST_VIDEO_FRAME_WIDTH(&frame); ++x)
      fail_unless_equals_int(check::sample(frame, GST_VIDEO_COMP_A, x, y), expected);
  gst_video_frame_unmap(&frame);
  gst_buffer_unref(out);
}

GST_START_TEST(alpha_is_kept_or_consumed) {
  for (const char* format : {"RGBA", "ARGB", "A420", "AV12"}) {
    expect_alpha(check::fast, format, 0.2, 51);
    expect_alpha(check::fast_scaled(2), format, 0.6, 153);
    expect_alpha(check::fast + std::string("mask-source=alpha"), format, 0.6, 255);
    expect_alpha(check::fast + std::string("task=inpaint"), format, 0.6, 255);
  }
}
GST_END_TEST

GST_START_TEST(mask_restricts_formats) {
  GstElement* element = gst_parse_launch("reddiff task=inpaint", nullptr);
  GstPad* pad = gst_element_get_static_pad(element, "sink");
  GstCaps* accepted = gst_pad_query_caps(pad, nullptr);
  GstCaps* opaque = gst_caps_from_string("video/x-raw,format={I420,NV12,RGB,GRAY8}");
  GstCaps* alpha = gst_caps_from_string("video/x-raw,format=A420");
  fail_if(gst_caps_can_intersect(accepted, opaque));
  fail_unless(gst_caps_can_intersect(accepted, alpha));
  gst_caps_unref(accepted);
  g_object_set(element, "task", 0, nullptr);
  accepted = gst_pad_query_caps(pad, nullptr);
  fail_unless(gst_caps_can_intersect(accepted, opaque));
  gst_caps_unref(accepted);
  gst_caps_unref(opaque);
  gst_caps_unref(alpha);
  gst_object_unref(pad);
  gst_object_unref(element);
}
GST_END_TEST

GST_START_TEST(other_media_are_refused) {
  GstElement* element = gst_parse_launch("reddiff", nullptr);
  GstPad* pad = gst_element_get_static_pad(element, "sink");
  for (const char* text : {"audio/x-raw,format=S16LE,rate=8000,channels=1,layout=interleaved",
                           "video/x-raw(memory:CUDAMemory),format=NV12,width=64,height=48,framerate=25/1"}) {
    GstCaps* caps = gst_caps_from_string(text);
    fail_if(gst_pad_query_accept_caps(pad, caps), "%s", text);
    gst_caps_unref(caps);
  }
  GstCaps* good = gst_caps_from_string(check::caps_text("I420", 64, 48).c_str());
  fail_unless(gst_pad_query_accept_caps(pad, good));
  gst_caps_unref(good);
  gst_object_unref(pad);
  gst_object_unref(element);
}
GST_END_TEST

static Suite* metas_suite() {
  Suite* suite = suite_create("metas");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, colour_survives_the_hd_border);
  tcase_add_test(cases, aspect_ratio_and_rate);
  tcase_add_test(cases, times_are_untouched);
  tcase_add_loop_test(cases, metas_are_carried, 1, 3);
  tcase_add_test(cases, alpha_is_kept_or_consumed);
  tcase_add_test(cases, mask_restricts_formats);
  tcase_add_test(cases, other_media_are_refused);
  return suite;
}

GST_CHECK_MAIN(metas)
