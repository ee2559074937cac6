// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/hints.h"

#include <algorithm>

namespace reddiff {
namespace {

constexpr double rounding = 1 + 1e-6;  // levels have been through another unit

// Nothing but white noise is to be removed, at the level that is found.
bool removes_estimated_noise(const InForce& force) {
  return force.frame.noise < 0 && force.frame.strength > 0 && force.demands.denoises;
}

// 25 where the rate is not known.
int frames_of_a_second(const GstVideoInfo& info) {
  const int rate = GST_VIDEO_INFO_FPS_N(&info), scale = GST_VIDEO_INFO_FPS_D(&info);
  return rate > 0 && scale > 0 ? std::max(rate / scale, 1) : 25;
}

}  // namespace

bool HeldForASecond::on_frame(bool holds, const GstVideoInfo& info) {
  frames_ = holds ? frames_ + 1 : 0;
  if (told_ || frames_ < frames_of_a_second(info)) return false;
  return told_ = true;
}

NoiseFound noise_found(const FrameReport& report, const InForce& force, const GstVideoInfo& info) {
  if (!removes_estimated_noise(force)) return NoiseFound::some;
  const double floor = level_to_user(quantisation_floor(GST_VIDEO_INFO_COMP_DEPTH(&info, 0))) * rounding;
  if (force.frame.noise_max <= floor) return NoiseFound::some;
  if (report.noise <= floor) return NoiseFound::none;
  return report.noise * rounding >= force.frame.noise_max ? NoiseFound::most : NoiseFound::some;
}

}  // namespace reddiff
