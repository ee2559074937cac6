// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/pace.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace reddiff {
namespace {

// Late frames are caught up with by what is left of a frame's duration.
constexpr double share_when_late = 0.8;
// More calls are tried only where they leave more than that, or the limit would go up and down.
constexpr double share_to_raise = 0.7;
// What a limit does is seen late: queues stand between this element and the sink.
constexpr int frames_to_wait = 3;
// So many plain frames may catch up before frames are dropped.
constexpr int frames_to_catch_up = 9;
constexpr int frames_in_time = 16;
// Not longer than that in time, where frames are slow to come.
constexpr GstClockTime time_in_time = GST_SECOND / 2;
constexpr int most_patience = 16;

int frames_to_raise(GstClockTime duration) {
  if (!GST_CLOCK_TIME_IS_VALID(duration) || duration == 0) return frames_in_time;
  return static_cast<int>(std::clamp<GstClockTime>(time_in_time / duration, frames_to_wait, frames_in_time));
}

}  // namespace

void Pace::on_qos(double proportion, GstClockTimeDiff diff, GstClockTime timestamp) {
  proportion_ = proportion;
  lateness_ = diff;
  if (!GST_CLOCK_TIME_IS_VALID(timestamp)) return;
  // What is late by d now will be later still when the next frame is done: the usual guess is twice that.
  behind_ = timestamp + static_cast<GstClockTime>(std::max<GstClockTimeDiff>(diff, 0));
  const GstClockTimeDiff ahead = diff > 0 ? 2 * diff : diff;
  earliest_ = ahead < 0 && static_cast<GstClockTime>(-ahead) > timestamp ? 0 : timestamp + ahead;
}

int Pace::affordable(double share, GstClockTime duration) const {
  if (!GST_CLOCK_TIME_IS_VALID(duration) || call_ms_.empty() || call_ms_.median() <= 0) return -1;
  const double ms = share * static_cast<double>(duration) / GST_MSECOND - other_ms_.median();
  return ms <= 0 ? 0 : static_cast<int>(std::min(ms / call_ms_.median(), 1e6));
}

void Pace::limit_to(int calls) {
  limit_ = full_ > 0 && calls >= full_ ? -1 : calls;
  since_change_ = 0;
}

void Pace::lower(GstClockTime duration) {
  const int now = current();
  const int fitting = affordable(share_when_late, duration);
  limit_to(std::max(0, std::min(now - 1, fitting < 0 ? now / 2 : fitting)));
}

void Pace::try_one_call() {
  trial_ = true;
  call_ms_.clear();
  limit_to(1);
}

void Pace::raise(GstClockTime duration) {
  if (limit_ == 0) return try_one_call();
  const int fitting = affordable(share_to_raise, duration);
  since_change_ = 0;
  if (fitting < 0) return limit_to(limit_ + 1);
  if (fitting > limit_) limit_to(fitting);
}

void Pace::judge_trial(GstClockTime duration) {
  if (!trial_ || call_ms_.empty()) return;
  trial_ = false;
  const int fitting = affordable(share_to_raise, duration);
  if (fitting != 0) patience_ = 1;
  if (fitting > 0) limit_to(fitting);
  if (fitting != 0) return;
  limit_to(0);
  patience_ = std::min(2 * patience_, most_patience);
}

void Pace::watch(GstClockTime running_time) {
  const bool none = limit_ == 0 || trial_;
  if (!none || !GST_CLOCK_TIME_IS_VALID(running_time)) {
    if (!none) off_since_ = GST_CLOCK_TIME_NONE;
    return;
  }
  if (!GST_CLOCK_TIME_IS_VALID(off_since_) || running_time < off_since_) off_since_ = running_time;
  off_ = running_time - off_since_ >= GST_SECOND;
}

Allowance Pace::allow(GstClockTime running_time, GstClockTime duration) {
  if (full_ == 0) return {};
  judge_trial(duration);
  const bool late =
      GST_CLOCK_TIME_IS_VALID(earliest_) && GST_CLOCK_TIME_IS_VALID(running_time) && running_time <= earliest_;
  if (other_ms_.empty()) {  // no more than the first frame is known
    if (late) try_one_call();
    return {limit_, false};
  }
  if (late != was_late_) since_change_ = late && limit_ < 0 ? frames_to_wait : 0;
  was_late_ = late;
  ++since_change_;
  const bool drop = late && limit_ == 0 && since_change_ > frames_to_catch_up && running_time <= behind_;
  if (late && limit_ != 0 && since_change_ > frames_to_wait) lower(duration);
  const int wait = frames_to_raise(duration) * (limit_ == 0 ? patience_ : 1);
  if (!late && limit_ >= 0 && since_change_ > wait) raise(duration);
  watch(running_time);
  return {limit_, drop};
}

void Pace::on_frame(int calls, double call_ms, double total_ms) {
  if (limit_ < 0) full_ = calls;
  if (std::exchange(first_, false)) return;
  if (calls > 0) call_ms_.add(call_ms / calls);
  other_ms_.add(std::max(0.0, total_ms - call_ms));
}

bool Pace::take_warning() { return off_ && !std::exchange(warned_, true); }

double Recent::median() const {
  auto sorted = values_;
  const auto known = static_cast<std::ptrdiff_t>(std::min(count_, values_.size()));
  const auto middle = sorted.begin() + (known - 1) / 2;
  std::nth_element(sorted.begin(), middle, sorted.begin() + known);
  return *middle;
}

int Pace::quality() const {
  if (limit_ < 0 || full_ == 0) return 1000000;
  return static_cast<int>(std::min<gint64>(1000000, gint64{1000000} * limit_ / full_));
}

}  // namespace reddiff
