// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/timing.h"

#include <bit>
#include <cmath>

#include "gst-plugin/object_lock.h"

namespace reddiff {
void Timing::start() {
  const ObjectLock lock(trans_);
  pace_.reset();
  latency_.clear();
  allowed_ = {};
  live_ = live_is_known_ = false;
  frames_ = 0;
}

bool Timing::ask_if_live() {
  if (live_is_known_) return live_;
  gboolean live = FALSE;
  g_autoptr(GstQuery) query = gst_query_new_latency();
  live_is_known_ = gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(trans_), query);
  if (live_is_known_) gst_query_parse_latency(query, &live, nullptr, nullptr);
  const ObjectLock lock(trans_);
  return live_ = live;
}

bool Timing::ask_if_live_again() {
  // Before frames 1, 2, 4, 8, ...: whoever cannot say it after a minute will not say it soon, and asking goes through all of upstream.
  if (!live_is_known_ && std::has_single_bit(++frames_)) ask_if_live();
  return live_;
}

void Timing::forget_lateness() {
  const ObjectLock lock(trans_);
  pace_.forget_lateness();
}

bool Timing::on_qos(GstEvent* event) {
  gdouble proportion = 1;
  GstClockTimeDiff diff = 0;
  GstClockTime timestamp = GST_CLOCK_TIME_NONE;
  gst_event_parse_qos(event, nullptr, &proportion, &diff, &timestamp);
  const ObjectLock lock(trans_);
  pace_.on_qos(proportion, diff, timestamp);
  return allowed_.drop;
}

bool Timing::take_qos(GstEvent* event, QosPolicy policy) {
  if (policy == QosPolicy::drop) return false;
  const bool acts = gst_base_transform_is_qos_enabled(trans_) && !gst_base_transform_is_passthrough(trans_);
  if (!acts || (policy == QosPolicy::degrade && on_qos(event)))
    gst_pad_push_event(GST_BASE_TRANSFORM_SINK_PAD(trans_), event);
  else
    gst_event_unref(event);
  return true;
}

Allowance Timing::allow(const GstBuffer* buffer, QosPolicy policy, int frames) {
  if (policy != QosPolicy::degrade || !gst_base_transform_is_qos_enabled(trans_)) return {};
  const GstSegment& segment = trans_->segment;
  if (segment.format != GST_FORMAT_TIME) return {};
  const GstClockTime time = gst_segment_to_running_time(&segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
  GstClockTime duration = GST_CLOCK_TIME_NONE;
  if (GST_BUFFER_DURATION_IS_VALID(buffer) && GST_BUFFER_DURATION(buffer) > 0)
    duration =
        static_cast<GstClockTime>(static_cast<double>(GST_BUFFER_DURATION(buffer)) / std::abs(segment.rate) / frames);
  bool tell = false, warn = false;
  Allowance allowance;
  {
    const ObjectLock lock(trans_);
    allowance = pace_.allow(time, duration);
    if (allowance.drop) statistics_.frame_dropped();
    tell = allowance.drop || allowance != allowed_;
    allowed_ = allowance;
    warn = pace_.take_warning();
  }
  if (tell) post_qos(buffer);
  if (warn)
    GST_ELEMENT_WARNING(
        trans_, CORE, CLOCK,
        ("Nothing has been restored for a second: a frame takes longer than it is shown. Set preset=live, "
         "make the video smaller, or set qos-policy=none where frames may be late."),
        ("further changes are QoS messages; stats, field frames-degraded, counts such frames"));
  return allowance;
}

void Timing::on_unfit_frame() {
  const ObjectLock lock(trans_);
  statistics_.frame_dropped();
}

void Timing::post_qos(const GstBuffer* buffer) {
  const GstSegment* segment = &trans_->segment;
  const GstClockTime pts = GST_BUFFER_PTS(buffer);
  GstMessage* message =
      gst_message_new_qos(GST_OBJECT(trans_), live_, gst_segment_to_running_time(segment, GST_FORMAT_TIME, pts),
                          gst_segment_to_stream_time(segment, GST_FORMAT_TIME, pts), pts, GST_BUFFER_DURATION(buffer));
  {
    const ObjectLock lock(trans_);
    gst_message_set_qos_values(message, pace_.lateness(), pace_.proportion(), pace_.quality());
    gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, statistics_.frames_out(), statistics_.frames_dropped());
  }
  gst_element_post_message(GST_ELEMENT(trans_), message);
}

void Timing::on_frame(const FrameReport& report, GstClockTime time, GstClockTime deadline) {
  bool changed = false;
  {
    const ObjectLock lock(trans_);
    const StageTimes& ms = report.ms;
    pace_.on_frame(report.prior_calls, ms.prior + ms.op + ms.optimizer, static_cast<double>(time) / GST_MSECOND);
    latency_.record(time);
    changed = live_ && latency_.report(deadline);
  }
  if (changed) gst_element_post_message(GST_ELEMENT(trans_), gst_message_new_latency(GST_OBJECT(trans_)));
}

void Timing::on_passthrough() {
  bool live = false;
  {
    const ObjectLock lock(trans_);
    live = live_;
  }
  if (live) gst_element_post_message(GST_ELEMENT(trans_), gst_message_new_latency(GST_OBJECT(trans_)));
}

void Timing::add_latency(GstQuery* query, GstClockTime deadline) {
  gboolean live = FALSE;
  GstClockTime least = 0, most = GST_CLOCK_TIME_NONE;
  gst_query_parse_latency(query, &live, &least, &most);
  GstClockTime own = deadline;
  if (!gst_base_transform_is_passthrough(trans_)) {
    const ObjectLock lock(trans_);
    own = latency_.value(deadline);
  }
  GST_DEBUG_OBJECT(trans_, "adding %" GST_TIME_FORMAT " of latency", GST_TIME_ARGS(own));
  gst_query_set_latency(query, live, least + own, GST_CLOCK_TIME_IS_VALID(most) ? most + own : most);
}

}  // namespace reddiff
