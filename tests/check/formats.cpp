// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every format of the templates, at sizes that hurt.
#include "gst-plugin/caps.h"
#include "tests/check/check_util.h"

using check::Harness;

struct Size {
  int width, height;
};
constexpr Size sizes[] = {{1, 1}, {2, 2}, {5, 3}, {64, 48}, {130, 2}};

// Mean of a component in code values of 8 bit.
static double mean(const GstVideoInfo& info, GstBuffer* buffer, int c) {
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
  double sum = 0;
  const int width = GST_VIDEO_FRAME_COMP_WIDTH(&frame, c), height = GST_VIDEO_FRAME_COMP_HEIGHT(&frame, c);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) sum += check::sample(frame, c, x, y) >> (GST_VIDEO_FRAME_COMP_DEPTH(&frame, c) - 8);
  gst_video_frame_unmap(&frame);
  return sum / width / height;
}

static void expect_size(const GstVideoInfo& info, const std::string& format, int width, int height) {
  fail_unless_equals_string(GST_VIDEO_INFO_NAME(&info), format.c_str());
  fail_unless_equals_int(GST_VIDEO_INFO_WIDTH(&info), width);
  fail_unless_equals_int(GST_VIDEO_INFO_HEIGHT(&info), height);
}

static void run(const std::string& format, Size size, int scale) {
  Harness harness(check::fast_scaled(scale));
  const std::string caps = check::caps_text(format, size.width, size.height);
  const GstVideoInfo in_info = check::info_of(caps);
  harness.caps(caps);
  for (int i = 0; i < 2; ++i) {
    GstBuffer* in = gst_buffer_ref(check::picture(in_info, i, i));
    const auto before = check::bytes(in);
    const GstFlowReturn flow = gst_harness_push(harness.h, in);
    fail_unless(flow == GST_FLOW_OK, "%s %dx%d x%d: %s", format.c_str(), size.width, size.height, scale,
                check::take_errors(harness.bus()).text.c_str());
    GstBuffer* out = gst_harness_try_pull(harness.h);
    fail_unless(out != nullptr);
    fail_unless(check::bytes(in) == before, "%s: input changed", format.c_str());
    const GstVideoInfo out_info = check::out_info(harness);
    expect_size(out_info, format, size.width * scale, size.height * scale);
    // A smooth picture keeps its means, whatever the solver does to it; a wrong component or range does not.
    for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&in_info); ++c) {
      const double was = mean(in_info, in, c), is = mean(out_info, out, c);
      const double tolerance = size.width == 64 ? 6 : 25;  // small pictures are all border
      fail_unless(std::abs(was - is) < tolerance, "%s %dx%d x%d component %u: mean %f became %f", format.c_str(),
                  size.width, size.height, scale, c, was, is);
    }
    gst_buffer_unref(out);
    gst_buffer_unref(in);
  }
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}

GST_START_TEST(all_formats_and_sizes) {
  for (const std::string& format : check::words(reddiff::raw_formats))
    for (const Size size : sizes) run(format, size, __i__);
}
GST_END_TEST

// A buffer for `info` with rows further apart and planes shifted, described by GstVideoMeta.
static GstBuffer* padded_buffer(const GstVideoInfo& info) {
  GstVideoAlignment alignment;
  gst_video_alignment_reset(&alignment);
  alignment.padding_left = alignment.padding_right = 32;
  alignment.padding_top = alignment.padding_bottom = 4;
  GstVideoInfo wide = info;
  fail_unless(gst_video_info_align(&wide, &alignment));
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&wide), nullptr);
  gst_buffer_memset(buffer, 0, 0x5A, GST_VIDEO_INFO_SIZE(&wide));
  gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
                                 GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info),
                                 GST_VIDEO_INFO_N_PLANES(&info), wide.offset, wide.stride);
  return buffer;
}

// The same picture as check::picture paints.
static GstBuffer* padded(const GstVideoInfo& info, int phase) {
  GstBuffer* buffer = padded_buffer(info);
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
  check::paint(frame, phase);
  gst_video_frame_unmap(&frame);
  return buffer;
}

GST_START_TEST(padded_strides_change_nothing) {
  for (const std::string& format : check::words(reddiff::raw_formats)) {
    const std::string caps = check::caps_text(format, 37, 22);
    const GstVideoInfo info = check::info_of(caps);
    Harness plain(check::fast), meta(check::fast);
    plain.caps(caps);
    meta.caps(caps);
    const auto expected = check::process(plain, check::picture(info, 0, 3));
    fail_unless(check::process(meta, padded(info, 3)) == expected, "%s", format.c_str());
  }
}
GST_END_TEST

// Any code a sender may use: limited range reserves the lowest and the highest 8-bit code.
static guint random_code(GRand* random, const GstVideoFrame& frame, guint c) {
  const gint32 one = 1 << (GST_VIDEO_FRAME_COMP_DEPTH(&frame, c) - 8);
  const bool full = c == 3 || frame.info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  return static_cast<guint>(full ? g_rand_int_range(random, 0, 256 * one) : g_rand_int_range(random, one, 255 * one));
}

// With strength 0 and a mask that hides nothing the output is what was read, written again: conversions alone.
static int largest_change(const std::string& caps) {
  Harness harness("reddiff prior=dct steps=1 noise=10 strength=0 mask-source=roi");
  const GstVideoInfo info = check::info_of(caps);
  harness.caps(caps);
  GstBuffer* in = padded_buffer(info);
  GstVideoFrame before, after;
  GRand* random = g_rand_new_with_seed(7);
  fail_unless(gst_video_frame_map(&before, &info, in, GST_MAP_READWRITE));
  const auto each = [&](auto visit) {
    for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&info); ++c)
      for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&before, c); ++y)
        for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&before, c); ++x) visit(c, x, y);
  };
  each([&](guint c, int x, int y) { check::set_sample(before, c, x, y, random_code(random, before, c)); });
  g_rand_free(random);
  GstBuffer* out = gst_harness_push_and_pull(harness.h, gst_buffer_ref(in));
  fail_unless(out != nullptr, "%s", caps.c_str());
  fail_unless(gst_video_frame_map(&after, &info, out, GST_MAP_READ));
  int largest = 0;
  each([&](guint c, int x, int y) {
    const int was = check::sample(before, c, x, y), is = check::sample(after, c, x, y);
    largest = std::max(largest, std::abs(was - is));
  });
  fail_unless_equals_uint64(harness.stat("frames-out"), 1);
  gst_video_frame_unmap(&after);
  gst_video_frame_unmap(&before);
  gst_buffer_unref(out);
  gst_buffer_unref(in);
  return largest;
}

GST_START_TEST(conversions_lose_nothing) {
  for (const std::string& format : check::words(reddiff::raw_formats))
    for (const char* range : {"1", "2"})  // full, limited
      for (const Size size : {Size{5, 3}, Size{38, 23}}) {
        const bool rgb =
            GST_VIDEO_FORMAT_INFO_IS_RGB(gst_video_format_get_info(gst_video_format_from_string(format.c_str())));
        const std::string caps = check::caps_text(format, size.width, size.height,
                                                  std::string(",colorimetry=") + range + (rgb ? ":1:7:1" : ":3:5:1"));
        const int change = largest_change(caps);
        fail_unless(change == 0, "%s: %d code values", caps.c_str(), change);
      }
}
GST_END_TEST

// Luma of what operator=gray makes of Y'CbCr (120, 100, 150), by column; right of `edge` (in chroma samples) Cb is 170.
static std::vector<double> gray_luma(const std::string& format, const std::string& colours, int edge = 99) {
  Harness harness("reddiffdegrade operator=gray noise=0");
  const GstVideoInfo info = check::info_of(check::caps_text(format, 16, 8, colours));
  harness.caps(check::caps_text(format, 16, 8, colours));
  GstBuffer* buffer = check::picture(info, 0, 0);
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&frame, c); ++y)
      for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&frame, c); ++x)
        check::set_sample(frame, c, x, y, c == 0 ? 120 : c == 2 ? 150 : x < edge ? 100 : 170);
  gst_video_frame_unmap(&frame);
  GstBuffer* out = gst_harness_push_and_pull(harness.h, buffer);
  fail_unless(out != nullptr && gst_video_frame_map(&frame, &info, out, GST_MAP_READ), "%s %s", format.c_str(),
              colours.c_str());
  std::vector<double> luma;
  for (int x = 0; x < 16; ++x) luma.push_back(check::sample(frame, 0, x, 4));
  gst_video_frame_unmap(&frame);
  gst_buffer_unref(out);
  return luma;
}

// The gray of a colour depends on both; a conversion there and back does not.
GST_START_TEST(matrix_and_range_are_those_of_the_caps) {
  const struct {
    const char* name;
    double kr, kb;
  } matrices[] = {{"3", 0.2126, 0.0722}, {"4", 0.299, 0.114}, {"6", 0.2627, 0.0593}};
  for (const auto& [name, kr, kb] : matrices)
    for (const bool full : {true, false}) {
      const double black = full ? 0 : 16, luma = full ? 255 : 219, chroma = full ? 255 : 224;
      const double y = (120 - black) / luma, r = y + 2 * (1 - kr) * (150 - 128) / chroma,
                   b = y + 2 * (1 - kb) * (100 - 128) / chroma;
      const double g = (y - kr * r - kb * b) / (1 - kr - kb), expected = black + luma * (r + g + b) / 3;
      const double found = gray_luma("Y444", std::string(",colorimetry=") + (full ? "1:" : "2:") + name + ":5:1")[8];
      fail_unless(std::abs(found - expected) < 0.51, "matrix %s, %s range: %f, not %f", name, full ? "full" : "limited",
                  found, expected);
    }
}
GST_END_TEST

// Chroma samples 3 and 4 lie on columns 6 and 8, so that the edge is at 7; or half a column further right.
GST_START_TEST(chroma_lies_where_the_caps_say) {
  for (const std::string colours : {",colorimetry=2:3:5:1", ""}) {
    const auto on = gray_luma("I420", colours + ",chroma-site=mpeg2", 4);
    const auto between = gray_luma("I420", colours + ",chroma-site=jpeg", 4);
    const double middle = (on[2] + on[12]) / 2;
    fail_unless(std::abs(on[2] - on[12]) > 30 && on[2] == between[2] && on[12] == between[12]);
    fail_unless(std::abs(on[7] - middle) < 1.1 && std::abs(between[7] - middle) > 5, "%s: %f and %f around %f",
                colours.c_str(), on[7], between[7], middle);
    fail_unless(std::abs((between[7] + between[8]) / 2 - middle) < 1.1);
  }
}
GST_END_TEST

// Bytes that belong to no component do not depend on old memory.
GST_START_TEST(filler_is_opaque) {
  Harness harness(check::fast);
  const std::string caps = check::caps_text("RGBx", 8, 8);
  harness.caps(caps);
  const auto out = check::process(harness, check::picture(check::info_of(caps), 0, 0));
  for (std::size_t i = 3; i < out.size(); i += 4) fail_unless_equals_int(out[i], 255);
}
GST_END_TEST

static Suite* formats_suite() {
  Suite* suite = suite_create("formats");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_loop_test(cases, all_formats_and_sizes, 1, 3);
  tcase_add_test(cases, padded_strides_change_nothing);
  tcase_add_test(cases, conversions_lose_nothing);
  tcase_add_test(cases, matrix_and_range_are_those_of_the_caps);
  tcase_add_test(cases, chroma_lies_where_the_caps_say);
  tcase_add_test(cases, filler_is_opaque);
  return suite;
}

GST_CHECK_MAIN(formats)
