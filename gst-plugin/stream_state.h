// SPDX-License-Identifier: LGPL-2.1-or-later
//
// When must the solver forget the past? The rules, apart from the element: what arrived is told to a StreamState, which
// answers with the cause of a reset or `none`. Streaming thread only (flush: with the stream lock held).
//
//   flush          always
//   stream-start   another stream-id
//   segment        the other direction, or a position more than max-gap away from where the last buffer ended;
//                  an identical segment never
//   gap event      longer than max-gap, or reaching further than that from where the last buffer ended
//   buffer         RESYNC flag; DISCONT flag and a timestamp more than max-gap away from the last one. A DISCONT alone is
//                  not enough: a decoder that lost one frame sets it too
// Nothing is reset before the first buffer, and buffers without timestamps are taken as continuous.
#pragma once

#include <gst/gst.h>

#include <string>

namespace reddiff {

enum class ResetCause { none, flush, stream, caps, segment, gap, discont, resync, settings };
inline constexpr int reset_causes = 9;

// The word for stats: "flush", "stream", ...
const char* reset_cause_name(ResetCause cause);

class StreamState {
 public:
  void clear() { *this = StreamState(); }
  ResetCause on_flush();
  ResetCause on_stream_start(const char* stream_id);
  ResetCause on_segment(const GstSegment& segment, GstClockTime max_gap);
  ResetCause on_gap(GstClockTime timestamp, GstClockTime duration, GstClockTime max_gap);
  // One of the above, or nothing, for what the event says.
  ResetCause on_event(GstEvent* event, GstClockTime max_gap);
  ResetCause on_buffer(const GstBuffer* buffer, GstClockTime max_gap);

 private:
  bool seen_buffer_ = false;
  GstClockTime last_pts_ = GST_CLOCK_TIME_NONE;
  GstClockTime last_end_ = GST_CLOCK_TIME_NONE;
  bool seen_segment_ = false;
  GstSegment segment_ = {};
  std::string stream_id_;
};

}  // namespace reddiff
