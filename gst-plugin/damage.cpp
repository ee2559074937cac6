// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/damage.h"

#include <algorithm>
#include <cmath>

#include "gst-plugin/bitstream_meta.h"

namespace reddiff {
namespace {

constexpr double most_steps = 4;

int steps_between(const GstVideoInfo& info, const GstBuffer* buffer, GstClockTime last) {
  const GstClockTime now = GST_BUFFER_PTS(buffer);
  double frame = 0;
  if (GST_VIDEO_INFO_FPS_N(&info) > 0)
    frame = static_cast<double>(GST_SECOND) * GST_VIDEO_INFO_FPS_D(&info) / GST_VIDEO_INFO_FPS_N(&info);
  else if (GST_BUFFER_DURATION_IS_VALID(buffer))
    frame = static_cast<double>(GST_BUFFER_DURATION(buffer));
  if (!GST_CLOCK_TIME_IS_VALID(now) || !GST_CLOCK_TIME_IS_VALID(last) || now <= last || frame <= 0) return 1;
  return static_cast<int>(std::clamp(std::round(static_cast<double>(now - last) / frame), 1.0, most_steps));
}

}  // namespace

bool LossTracker::is_damaged(bool is_key, bool lost, GstClockTime time) {
  if (is_key) {
    before_key_ = damaged_;
    key_time_ = time;
    return damaged_ = lost;
  }
  damaged_ = damaged_ || lost;
  const bool before_key = GST_CLOCK_TIME_IS_VALID(time) && GST_CLOCK_TIME_IS_VALID(key_time_) && time < key_time_;
  return lost || (before_key ? before_key_ : damaged_);
}

DamageWatch::Seen DamageWatch::of_frame(const GstVideoInfo& info, GstBuffer* buffer) {
  Seen seen;
  seen.steps = steps_between(info, buffer, last_);
  last_ = GST_BUFFER_PTS(buffer);
  const CodedLoss loss = read_loss(buffer);
  const bool flagged = GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED);
  flagged_ = loss.known ? flagged : flagged_ || flagged;
  const bool damaged = loss.damaged || flagged_;
  if (loss.lost || flagged || (damaged && !damaged_))
    seen.damage = FrameDamage::lost;  // the one that was itself lost may never have come here
  else if (damaged)
    seen.damage = FrameDamage::inherited;
  else if (loss.known)
    seen.damage = FrameDamage::none;
  damaged_ = damaged;
  return seen;
}

}  // namespace reddiff
