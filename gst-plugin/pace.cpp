// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/pace.h"

#include <algorithm>
#include <cmath>

namespace reddiff {
namespace {

// Late frames are caught up with by what is left of a frame's duration.
constexpr double share_when_late = 0.8;
// More calls are tried only where they leave more than that, or the limit would go up and down.
constexpr double share_to_raise = 0.7;
// What a limit does is seen late: queues stand between this element and the sink.
constexpr int frames_to_wait = 3;
constexpr int frames_in_time = 16;

void track(double& mean, double value) { mean = mean == 0 ? value : 0.75 * mean + 0.25 * value; }

}  // namespace

void Pace::on_qos(double proportion, GstClockTimeDiff diff, GstClockTime timestamp) {
  proportion_ = proportion;
  lateness_ = diff;
  if (!GST_CLOCK_TIME_IS_VALID(timestamp)) return;
  // What is late by d now will be later still when the next frame is done: the usual guess is twice that.
  const GstClockTimeDiff ahead = diff > 0 ? 2 * diff : diff;
  earliest_ = ahead < 0 && static_cast<GstClockTime>(-ahead) > timestamp ? 0 : timestamp + ahead;
}

int Pace::affordable(double share, GstClockTime duration) const {
  if (!GST_CLOCK_TIME_IS_VALID(duration) || call_ms_ <= 0) return -1;
  const double ms = share * static_cast<double>(duration) / GST_MSECOND - other_ms_;
  return ms <= 0 ? 0 : static_cast<int>(std::min(ms / call_ms_, 1e6));
}

void Pace::lower(GstClockTime duration) {
  const int now = current();
  const int fitting = affordable(share_when_late, duration);
  limit_ = std::max(0, std::min(now - 1, fitting < 0 ? now / 2 : fitting));
  since_change_ = 0;
}

void Pace::raise(GstClockTime duration) {
  const int fitting = affordable(share_to_raise, duration);
  since_change_ = 0;
  if (fitting >= 0 && fitting <= limit_) {
    // Without calls nothing shows that they have become cheaper: believe less and less of what they took, until one is tried.
    if (limit_ == 0) call_ms_ *= 0.8;
    return;
  }
  ++limit_;
  if (full_ > 0 && limit_ >= full_) limit_ = -1;
}

Allowance Pace::allow(GstClockTime running_time, GstClockTime duration) {
  if (full_ == 0) return {};
  const bool late =
      GST_CLOCK_TIME_IS_VALID(earliest_) && GST_CLOCK_TIME_IS_VALID(running_time) && running_time <= earliest_;
  if (late != was_late_) since_change_ = late && limit_ < 0 ? frames_to_wait : 0;
  was_late_ = late;
  ++since_change_;
  if (late && limit_ == 0) return {0, since_change_ > 2 * frames_to_wait};
  if (late && since_change_ > frames_to_wait) lower(duration);
  if (!late && limit_ >= 0 && since_change_ > frames_in_time) raise(duration);
  return {limit_, false};
}

void Pace::on_frame(int calls, double call_ms, double total_ms) {
  if (limit_ < 0) full_ = calls;
  if (calls > 0) track(call_ms_, call_ms / calls);
  track(other_ms_, std::max(0.0, total_ms - call_ms));
}

int Pace::quality() const {
  if (limit_ < 0 || full_ == 0) return 1000000;
  return static_cast<int>(std::min<gint64>(1000000, gint64{1000000} * limit_ / full_));
}

}  // namespace reddiff
