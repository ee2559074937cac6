// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/stream_state.h"

namespace reddiff {
namespace {

GstClockTime distance(GstClockTime a, GstClockTime b) { return a > b ? a - b : b - a; }

bool further_than(GstClockTime a, GstClockTime b, GstClockTime max_gap) {
  return GST_CLOCK_TIME_IS_VALID(a) && GST_CLOCK_TIME_IS_VALID(b) && distance(a, b) > max_gap;
}

bool same_segment(const GstSegment& a, const GstSegment& b) {
  return a.format == b.format && a.rate == b.rate && a.applied_rate == b.applied_rate && a.start == b.start &&
         a.stop == b.stop && a.time == b.time && a.base == b.base && a.offset == b.offset;
}

}  // namespace

const char* reset_cause_name(ResetCause cause) {
  switch (cause) {
    case ResetCause::none:
      break;
    case ResetCause::flush:
      return "flush";
    case ResetCause::stream:
      return "stream";
    case ResetCause::caps:
      return "caps";
    case ResetCause::segment:
      return "segment";
    case ResetCause::gap:
      return "gap";
    case ResetCause::discont:
      return "discont";
    case ResetCause::resync:
      return "resync";
    case ResetCause::settings:
      return "settings";
  }
  return "none";
}

ResetCause StreamState::on_flush() {
  seen_buffer_ = false;
  last_pts_ = last_end_ = GST_CLOCK_TIME_NONE;
  seen_segment_ = false;
  return ResetCause::flush;
}

ResetCause StreamState::on_stream_start(const char* stream_id) {
  const bool another = stream_id_ != stream_id;
  stream_id_ = stream_id;
  return another && seen_buffer_ ? ResetCause::stream : ResetCause::none;
}

ResetCause StreamState::on_segment(const GstSegment& segment, GstClockTime max_gap) {
  const bool known = seen_segment_ && seen_buffer_;
  const GstSegment before = segment_;
  seen_segment_ = true;
  segment_ = segment;
  if (!known || same_segment(before, segment)) return ResetCause::none;
  if ((before.rate < 0) != (segment.rate < 0) || before.format != segment.format) return ResetCause::segment;
  if (segment.format != GST_FORMAT_TIME) return ResetCause::none;
  const bool forward = segment.rate > 0;
  return further_than(forward ? segment.start : segment.stop, forward ? last_end_ : last_pts_, max_gap)
             ? ResetCause::segment
             : ResetCause::none;
}

ResetCause StreamState::on_gap(GstClockTime timestamp, GstClockTime duration, GstClockTime max_gap) {
  if (!seen_buffer_) return ResetCause::none;
  const bool lasts = GST_CLOCK_TIME_IS_VALID(duration), forward = segment_.rate >= 0;
  if (lasts && duration > max_gap) return ResetCause::gap;
  // Of several in a row none may be long.
  const GstClockTime end = forward && lasts ? timestamp + duration : timestamp;
  return further_than(end, forward ? last_end_ : last_pts_, max_gap) ? ResetCause::gap : ResetCause::none;
}

ResetCause StreamState::on_event(GstEvent* event, GstClockTime max_gap) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_STOP:
      return on_flush();
    case GST_EVENT_STREAM_START: {
      const gchar* id = nullptr;
      gst_event_parse_stream_start(event, &id);
      return on_stream_start(id);
    }
    case GST_EVENT_SEGMENT: {
      const GstSegment* segment = nullptr;
      gst_event_parse_segment(event, &segment);
      return on_segment(*segment, max_gap);
    }
    case GST_EVENT_GAP: {
      GstClockTime timestamp, duration;
      gst_event_parse_gap(event, &timestamp, &duration);
      return on_gap(timestamp, duration, max_gap);
    }
    default:
      return ResetCause::none;
  }
}

ResetCause StreamState::on_buffer(const GstBuffer* buffer, GstClockTime max_gap) {
  const GstClockTime pts = GST_BUFFER_PTS(buffer), duration = GST_BUFFER_DURATION(buffer);
  ResetCause cause = ResetCause::none;
  if (seen_buffer_ && GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_RESYNC))
    cause = ResetCause::resync;
  else if (seen_buffer_ && GST_BUFFER_IS_DISCONT(buffer) && further_than(pts, last_pts_, max_gap))
    cause = ResetCause::discont;
  seen_buffer_ = true;
  last_pts_ = pts;
  last_end_ = GST_CLOCK_TIME_IS_VALID(pts) && GST_CLOCK_TIME_IS_VALID(duration) ? pts + duration : pts;
  return cause;
}

}  // namespace reddiff
