// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A little of everything on 16x16 pixels, for tools under which each instruction counts: start, frames with and without a past,
// change of caps, flush, an error, another start. Has a main of its own: no helper threads, no forks.
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "smoke: %s\n", what);
  std::exit(1);
}

GstCaps* caps_of(const char* format, int side) {
  return gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, format, "width", G_TYPE_INT, side, "height",
                             G_TYPE_INT, side, "framerate", GST_TYPE_FRACTION, 25, 1, nullptr);
}

GstFlowReturn push(GstHarness* h, const char* format, int side, int index) {
  GstVideoInfo info;
  GstCaps* caps = caps_of(format, side);
  gst_video_info_from_caps(&info, caps);
  gst_caps_unref(caps);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  for (gsize i = 0; i < GST_VIDEO_INFO_SIZE(&info); ++i) {
    const guint8 value = static_cast<guint8>(100 + (i * 7 + static_cast<gsize>(index)) % 50);
    gst_buffer_fill(buffer, i, &value, 1);
  }
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(index) * 40 * GST_MSECOND;
  const GstFlowReturn flow = gst_harness_push(h, buffer);
  while (GstBuffer* out = gst_harness_try_pull(h)) gst_buffer_unref(out);
  return flow;
}

void session(const char* line, const char* format) {
  GstElement* element = gst_parse_launch(line, nullptr);
  GstHarness* h = gst_harness_new_with_element(element, "sink", "src");
  for (const int side : {16, 8}) {
    gst_harness_set_src_caps(h, caps_of(format, side));
    for (int i = 0; i < 2; ++i) expect(push(h, format, side, i) == GST_FLOW_OK, line);
  }
  gst_harness_push_event(h, gst_event_new_flush_start());
  gst_harness_push_event(h, gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(h, gst_event_new_segment(&segment));
  expect(push(h, format, 8, 2) == GST_FLOW_OK, "a frame after a flush");
  expect(gst_harness_push(h, gst_buffer_new()) == GST_FLOW_ERROR, "an empty buffer is refused");
  gst_harness_teardown(h);
  gst_object_unref(element);
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  session("reddiff prior=dct steps=1 noise=10 device=cpu", "I420");
  session("reddiff prior=dct steps=1 task=super-resolution device=cpu", "RGBA");
  session("reddiff prior=dct steps=1 operator=gaussian-blur:sigma=1 temporal=warm-start device=cpu", "GRAY8");
  session("reddiffdegrade operator=average-pool:factor=2 noise=5 device=cpu", "NV12");
  GstElement* wrong = gst_parse_launch("reddiff prior=nonsense", nullptr);
  expect(gst_element_set_state(wrong, GST_STATE_PAUSED) == GST_STATE_CHANGE_FAILURE, "no such prior");
  gst_element_set_state(wrong, GST_STATE_NULL);
  gst_object_unref(wrong);
  gst_deinit();
  std::puts("smoke: done");
  return 0;
}
