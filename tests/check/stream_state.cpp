// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/stream_state.h"

#include "tests/check/check_util.h"

using reddiff::ResetCause;
using reddiff::StreamState;

constexpr GstClockTime gap = 500 * GST_MSECOND;

static ResetCause buffer(StreamState& state, GstClockTime pts, int flags = 0) {
  GstBuffer* b = gst_buffer_new();
  GST_BUFFER_PTS(b) = pts;
  GST_BUFFER_DURATION(b) = check::frame_time;
  GST_BUFFER_FLAG_SET(b, flags);
  const ResetCause cause = state.on_buffer(b, gap);
  gst_buffer_unref(b);
  return cause;
}

static ResetCause segment(StreamState& state, GstClockTime start, double rate = 1) {
  GstSegment s;
  gst_segment_init(&s, GST_FORMAT_TIME);
  s.rate = rate;
  s.start = start;
  s.stop = rate < 0 ? start : GST_CLOCK_TIME_NONE;
  if (rate < 0) s.start = 0;
  return state.on_segment(s, gap);
}

static void expect(ResetCause got, ResetCause wanted) {
  fail_unless_equals_string(reddiff::reset_cause_name(got), reddiff::reset_cause_name(wanted));
}

GST_START_TEST(nothing_before_the_first_buffer) {
  StreamState state;
  expect(state.on_stream_start("a"), ResetCause::none);
  expect(state.on_stream_start("b"), ResetCause::none);
  expect(segment(state, 0), ResetCause::none);
  expect(segment(state, 99 * GST_SECOND), ResetCause::none);
  expect(state.on_gap(0, 9 * GST_SECOND, gap), ResetCause::none);
  expect(buffer(state, 99 * GST_SECOND, GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_RESYNC), ResetCause::none);
}
GST_END_TEST

GST_START_TEST(single_buffers) {
  StreamState state;
  buffer(state, 0);
  expect(buffer(state, GST_SECOND), ResetCause::none);  // far, but no flag: variable frame rate
  expect(buffer(state, GST_SECOND + gap, GST_BUFFER_FLAG_DISCONT), ResetCause::none);
  expect(buffer(state, GST_SECOND + 2 * gap + 1, GST_BUFFER_FLAG_DISCONT), ResetCause::discont);
  expect(buffer(state, 0, GST_BUFFER_FLAG_DISCONT), ResetCause::discont);
  expect(buffer(state, 1, GST_BUFFER_FLAG_RESYNC), ResetCause::resync);
  expect(buffer(state, GST_CLOCK_TIME_NONE, GST_BUFFER_FLAG_DISCONT), ResetCause::none);
}
GST_END_TEST

GST_START_TEST(segments) {
  StreamState state;
  segment(state, 0);
  buffer(state, GST_SECOND);
  expect(segment(state, 0), ResetCause::none);  // identical
  expect(segment(state, GST_SECOND + check::frame_time), ResetCause::none);
  expect(segment(state, 10 * GST_SECOND), ResetCause::segment);
  StreamState reversed;
  segment(reversed, 0);
  buffer(reversed, GST_SECOND);
  expect(segment(reversed, GST_SECOND, -1), ResetCause::segment);
  buffer(reversed, GST_SECOND - check::frame_time);
  expect(segment(reversed, GST_SECOND - check::frame_time, -2), ResetCause::none);
}
GST_END_TEST

GST_START_TEST(streams_gaps_and_flushes) {
  StreamState state;
  state.on_stream_start("a");
  segment(state, 0);
  buffer(state, 0);
  expect(state.on_stream_start("a"), ResetCause::none);
  expect(state.on_stream_start("b"), ResetCause::stream);
  expect(state.on_gap(check::frame_time, gap, gap), ResetCause::none);
  expect(state.on_gap(check::frame_time, gap + 1, gap), ResetCause::gap);
  expect(state.on_gap(check::frame_time + gap / 2, gap / 2, gap), ResetCause::none);
  expect(state.on_gap(check::frame_time + gap, gap / 2, gap), ResetCause::gap);  // the second in a row
  expect(state.on_flush(), ResetCause::flush);
  expect(segment(state, 99 * GST_SECOND), ResetCause::none);  // the flush has said it
  expect(buffer(state, 99 * GST_SECOND, GST_BUFFER_FLAG_DISCONT), ResetCause::none);
}
GST_END_TEST

static Suite* stream_state_suite() {
  Suite* suite = suite_create("stream_state");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, nothing_before_the_first_buffer);
  tcase_add_test(cases, single_buffers);
  tcase_add_test(cases, segments);
  tcase_add_test(cases, streams_gaps_and_flushes);
  return suite;
}

GST_CHECK_MAIN(stream_state)
