// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Buffers that go through untouched: which, and how they lie in memory.
#include "tests/check/allocator.h"
#include "tests/check/failures.h"

using check::Harness;

static const std::string caps = check::caps_text("RGB", 32, 24);

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

// What cannot be copied must not go on as it lies.
GST_START_TEST(no_memory_to_lay_a_frame_out_anew_is_one_error) {
  const GstVideoInfo info = check::info_of(i420);
  Harness harness(check::fast);
  harness.caps(i420);
  check::stream(harness, i420, 1);
  g_object_set(harness.element(), "strength", 0.0, nullptr);
  GstBuffer* buffer = padded(info, 1);
  check::MemoryHooks::failing = true;
  gst_allocator_set_default(check::new_allocator());
  const GstFlowReturn flow = gst_harness_push(harness.h, buffer);
  gst_allocator_set_default(gst_allocator_find(GST_ALLOCATOR_SYSMEM));
  fail_unless_equals_int(flow, GST_FLOW_ERROR);
  check::expect_error(check::take_errors(harness.bus()), "no memory", GST_RESOURCE_ERROR,
                      GST_RESOURCE_ERROR_NO_SPACE_LEFT, "memory");
}
GST_END_TEST

static Suite* passthrough_suite() {
  Suite* suite = suite_create("passthrough");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, strength_zero_passes_buffers_through);
  tcase_add_test(cases, strides_are_promised_for_as_long_as_they_are_read_here);
  tcase_add_test(cases, frames_on_the_way_lie_as_the_next_element_reads_them);
  tcase_add_test(cases, no_memory_to_lay_a_frame_out_anew_is_one_error);
  return suite;
}

GST_CHECK_MAIN(passthrough)
