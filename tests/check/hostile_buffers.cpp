// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Buffers that lie about themselves: too short, with metas that do not fit, of sizes hardly anybody sends, at impossible times.
#include "gst-plugin/caps.h"
#include "tests/check/failures.h"

using check::Harness;

constexpr int width = 20, height = 12;
static const char* const elements[] = {check::fast, "reddiffdegrade noise=5"};

// Two such frames: each is refused, and the user hears of it once.
static void expect_refused(const std::string& line, const std::string& format, GstBuffer* buffer,
                           const std::string& what) {
  Harness harness(line);
  harness.caps(check::caps_text(format, width, height));
  for (int i = 0; i < 2; ++i)
    fail_unless_equals_int(gst_harness_push(harness.h, gst_buffer_copy_deep(buffer)), GST_FLOW_ERROR);
  fail_unless(gst_harness_try_pull(harness.h) == nullptr);
  check::expect_error(check::take_errors(harness.bus()), what + " " + format, GST_STREAM_ERROR,
                      GST_STREAM_ERROR_FORMAT);
  gst_buffer_unref(buffer);
}

GST_START_TEST(short_buffers) {
  for (const std::string& format : check::words(reddiff::raw_formats)) {
    const GstVideoInfo info = check::info_of(check::caps_text(format, width, height));
    const gsize size = GST_VIDEO_INFO_SIZE(&info);
    for (const gsize length : {gsize{1}, size / 2, size - 1})
      expect_refused(elements[0], format, gst_buffer_new_allocate(nullptr, length, nullptr), "short buffer");
  }
  for (const char* line : elements) expect_refused(line, "I420", gst_buffer_new(), "empty buffer");
}
GST_END_TEST

// The memory of a frame in pieces is still a frame.
GST_START_TEST(buffer_in_pieces) {
  for (const char* format : {"I420", "NV12", "RGB"}) {
    const std::string caps = check::caps_text(format, width, height);
    const GstVideoInfo info = check::info_of(caps);
    Harness whole(check::fast), pieces(check::fast);
    whole.caps(caps);
    pieces.caps(caps);
    const auto all = check::bytes(check::picture(info, 0, 3));
    GstBuffer* buffer = gst_buffer_new();
    for (gsize at = 0; at < all.size(); at += 100) {
      const gsize length = std::min<gsize>(100, all.size() - at);
      GstMemory* memory = gst_allocator_alloc(nullptr, length, nullptr);
      gst_buffer_append_memory(buffer, memory);
      gst_buffer_fill(buffer, at, all.data() + at, length);
    }
    fail_unless(gst_buffer_n_memory(buffer) > 1);
    fail_unless(check::process(pieces, buffer) == check::process(whole, check::picture(info, 0, 3)), "%s", format);
  }
}
GST_END_TEST

struct BadMeta {
  const char* what;
  void (*spoil)(GstVideoMeta*, gsize size);
};

const BadMeta bad_metas[] = {
    {"stride of 1", [](GstVideoMeta* m, gsize) { m->stride[0] = 1; }},
    {"stride of 0", [](GstVideoMeta* m, gsize) { m->stride[0] = 0; }},
    {"stride one row too long", [](GstVideoMeta* m, gsize size) { m->stride[0] += static_cast<int>(size); }},
    {"stride slightly too long", [](GstVideoMeta* m, gsize size) { m->stride[m->n_planes - 1] += 32; }},
    {"largest stride", [](GstVideoMeta* m, gsize) { m->stride[0] = G_MAXINT & ~1; }},
    {"lowest stride", [](GstVideoMeta* m, gsize) { m->stride[0] = G_MININT; }},
    {"bottom-up from the first row", [](GstVideoMeta* m, gsize) { m->stride[0] = -m->stride[0]; }},
    {"offset at the end", [](GstVideoMeta* m, gsize size) { m->offset[m->n_planes - 1] = size; }},
    {"offset of the last word", [](GstVideoMeta* m, gsize size) { m->offset[0] = size - 2; }},
    {"offset slightly too far", [](GstVideoMeta* m, gsize size) { m->offset[m->n_planes - 1] += 64; }},
    {"offset beyond everything", [](GstVideoMeta* m, gsize) { m->offset[0] = G_MAXSIZE - 1; }},
    {"no planes", [](GstVideoMeta* m, gsize) { m->n_planes = 0; }},
    {"one plane more", [](GstVideoMeta* m, gsize) { ++m->n_planes; }},
    {"another format", [](GstVideoMeta* m, gsize) { m->format = GST_VIDEO_FORMAT_v210; }},
    {"no format", [](GstVideoMeta* m, gsize) { m->format = GST_VIDEO_FORMAT_UNKNOWN; }},
    {"less width", [](GstVideoMeta* m, gsize) { --m->width; }},
    {"no height", [](GstVideoMeta* m, gsize) { m->height = 0; }},
};

static GstBuffer* with_meta(GstVideoInfo info, void (*change)(GstVideoMeta*, gsize)) {
  GstBuffer* buffer = check::picture(info, 0, 3);
  GstVideoMeta* meta =
      gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info), width, height,
                                     GST_VIDEO_INFO_N_PLANES(&info), info.offset, info.stride);
  change(meta, GST_VIDEO_INFO_SIZE(&info));
  return buffer;
}

GST_START_TEST(metas_that_lie) {
  for (const char* line : elements)
    for (const char* format : {"I420", "NV12", "RGBA", "GRAY8", "YUY2", "P010_10LE", "GBR"}) {
      const GstVideoInfo info = check::info_of(check::caps_text(format, width, height));
      for (const BadMeta& bad : bad_metas) expect_refused(line, format, with_meta(info, bad.spoil), bad.what);
    }
}
GST_END_TEST

// Unusual and true: rows from bottom to top, and a larger frame of which the caps show the top left part.
GST_START_TEST(metas_that_only_look_strange) {
  const std::string caps = check::caps_text("RGBA", width, height);
  const GstVideoInfo info = check::info_of(caps);
  Harness plain(check::fast), larger(check::fast), turned(check::fast);
  for (Harness* harness : {&plain, &larger, &turned}) harness->caps(caps);
  const auto expected = check::process(plain, check::picture(info, 0, 3));
  fail_unless(check::process(larger, with_meta(info, [](GstVideoMeta* m, gsize) { m->width += 7, m->height = 99; })) ==
              expected);
  GstBuffer* upright = check::picture(info, 0, 3);
  GstBuffer* buffer = with_meta(info, [](GstVideoMeta* m, gsize) {
    m->offset[0] = (height - 1) * static_cast<gsize>(m->stride[0]);
    m->stride[0] = -m->stride[0];
  });
  const auto rows = check::bytes(upright);
  for (int y = 0; y < height; ++y)
    gst_buffer_fill(buffer, (height - 1 - y) * 4 * width, &rows[y * 4 * width], 4 * width);
  gst_buffer_unref(upright);
  fail_unless(check::process(turned, buffer) == expected);
}
GST_END_TEST

GST_START_TEST(regions_of_interest) {
  struct Region {
    guint x, y, w, h;
  };
  const guint minus = static_cast<guint>(-5), huge = G_MAXUINT;
  const Region regions[] = {{minus, minus, 10, 10}, {0, 0, huge, huge}, {huge, huge, huge, huge}, {100, 100, 5, 5},
                            {3, 3, 0, 0},           {3, 3, minus, 4},   {19, 11, 2, 2},           {0, 0, 20, 12}};
  const std::string lines[] = {check::fast, check::fast_scaled(2), "reddiffdegrade operator=average-pool:factor=2",
                               "reddiff prior=dct steps=2 task=inpaint mask-source=roi",
                               "reddiff prior=dct steps=2 mask-source=roi mask-roi-type=face operator=bicubic"};
  for (const std::string& line : lines) {
    Harness harness(line);
    const std::string caps = check::caps_text("I420", width, height);
    harness.caps(caps);
    int index = 0;
    for (const Region& r : regions) {
      GstBuffer* buffer = check::picture(check::info_of(caps), index++, 0);
      gst_buffer_add_video_region_of_interest_meta(buffer, "face", r.x, r.y, r.w, r.h);
      gst_buffer_add_video_region_of_interest_meta(buffer, nullptr, r.w, r.h, r.x, r.y);
      check::process(harness, buffer);
    }
    fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
  }
}
GST_END_TEST

GST_START_TEST(caps_change_before_each_frame) {
  const std::string lines[] = {check::fast, check::fast_scaled(2),
                               std::string(check::fast) + "operator=gaussian-blur:sigma=1 temporal=warm-start"};
  const auto formats = check::words(reddiff::raw_formats);
  for (const std::string& line : lines) {
    Harness harness(line);
    for (int i = 0; i < 60; ++i) {
      const int w = 1 + i * 7 % 40, h = 1 + i * 11 % 30;
      const std::string caps = check::caps_text(formats[i % formats.size()], w, h);
      harness.caps(caps);
      const auto out = check::process(harness, check::picture(check::info_of(caps), i, i));
      const GstVideoInfo info = check::out_info(harness);
      fail_unless_equals_uint64(out.size(), GST_VIDEO_INFO_SIZE(&info));
      fail_unless_equals_int(GST_VIDEO_INFO_WIDTH(&info) % w, 0);
    }
    fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
  }
}
GST_END_TEST

// Operators, motion and noise estimate of pictures smaller than anything they look at.
GST_START_TEST(one_and_two_pixels) {
  const char* const tasks[] = {"prior=dct", "prior=dct task=super-resolution", "prior=dct steps=3 temporal=warm-start",
                               "prior=dct operator=gaussian-blur:sigma=5+average-pool:factor=2",
                               "prior=dct operator=motion-blur:length=9"};
  const int sizes[][2] = {{1, 1}, {2, 1}, {1, 2}};
  for (const char* task : tasks)
    for (const std::string& format : check::words(reddiff::raw_formats)) {
      Harness harness(std::string("reddiff ") + task);
      for (const auto& size : sizes) {
        const std::string caps = check::caps_text(format, size[0], size[1]);
        harness.caps(caps);
        check::stream(harness, caps, 2);
      }
      const check::Errors errors = check::take_errors(harness.bus());
      fail_unless(errors.count == 0, "%s %s: %s", task, format.c_str(), errors.text.c_str());
    }
  for (const std::string& format : check::words(reddiff::alpha_formats)) {
    Harness harness("reddiff prior=dct task=inpaint");
    for (const auto& size : sizes) {
      const std::string caps = check::caps_text(format, size[0], size[1]);
      harness.caps(caps);
      for (const double alpha : {0.0, 1.0}) check::process(harness, check::picture(check::info_of(caps), 0, 0, alpha));
    }
  }
}
GST_END_TEST

GST_START_TEST(impossible_times) {
  Harness harness(check::fast);
  const std::string caps = check::caps_text("I420", width, height);
  harness.caps(caps);
  for (const GstClockTime pts : {GstClockTime(G_MAXUINT64 - 1), GstClockTime(0), GST_CLOCK_TIME_NONE, GstClockTime(1),
                                 GstClockTime(G_MAXINT64), GstClockTime(G_MAXINT64) + 1})
    for (const GstClockTime duration : {GstClockTime(0), GST_CLOCK_TIME_NONE, GstClockTime(G_MAXUINT64 - 1)}) {
      GstBuffer* buffer = check::picture(check::info_of(caps), 0, 0);
      GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = pts;
      GST_BUFFER_DURATION(buffer) = duration;
      GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
      const GstFlowReturn flow = gst_harness_push(harness.h, buffer);
      fail_unless(flow == GST_FLOW_OK, "%" G_GUINT64_FORMAT ": %s", pts, gst_flow_get_name(flow));
      gst_harness_push_event(harness.h, gst_event_new_gap(pts == GST_CLOCK_TIME_NONE ? 0 : pts, duration));
    }
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

static Suite* hostile_buffers_suite() {
  Suite* suite = suite_create("hostile_buffers");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, short_buffers);
  tcase_add_test(cases, buffer_in_pieces);
  tcase_add_test(cases, metas_that_lie);
  tcase_add_test(cases, metas_that_only_look_strange);
  tcase_add_test(cases, regions_of_interest);
  tcase_add_test(cases, caps_change_before_each_frame);
  tcase_add_test(cases, one_and_two_pixels);
  tcase_add_test(cases, impossible_times);
  return suite;
}

GST_CHECK_MAIN(hostile_buffers)
