// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/filter.h"

#include <ATen/ATen.h>

#include "core/temporal/scene_cut.h"
#include "core/temporal/warp.h"

namespace reddiff {
namespace {

// Found on other clips than those of the project's table; README.md has the neighbours' figures.
constexpr double caution = 8;  // Q per unexplained difference between two estimates
// sv over the deviation of an estimate: what differs by less is the denoiser's own error.
constexpr double share_of_error = 4;
constexpr double frames_remembered = 3;  // motion is never perfect: P stays above sv^2 over this
constexpr std::int64_t window = 5;

// Q.
at::Tensor motion_variance(const at::Tensor& single, const at::Tensor& moved, double noise) {
  const auto difference = at::avg_pool2d((single - moved).square_().mean(1, true), {window, window}, {1, 1},
                                         {window / 2, window / 2}, false, false);
  const double own = noise / share_of_error;
  return (difference - own * own).clamp_min_(0).mul_(caution);
}

}  // namespace

TemporalFilter::TemporalFilter(double scene_threshold, std::unique_ptr<Flow> flow)
    : scene_threshold_(scene_threshold), flow_(std::move(flow)) {}

void TemporalFilter::reset() { z_ = variance_ = single_ = at::Tensor(); }

TemporalFilter::Estimate TemporalFilter::update(const at::Tensor& y, const at::Tensor& single, double noise) {
  Estimate estimate;
  if (z_.defined() && is_scene_cut(single, single_, scene_threshold_)) {
    reset();
    estimate.cut = true;
  }
  const double power = noise * noise;
  if (!z_.defined()) {
    z_ = y;
    variance_ = at::full_like(y.narrow(1, 0, 1), power);
    single_ = single;
    return estimate;
  }
  const auto flow = flow_->estimate(single, single_);
  const auto moved = warp(z_, flow, WarpFilter::bicubic);
  const auto predicted = warp(variance_, flow, WarpFilter::bilinear) +
                         motion_variance(single, warp(single_, flow, WarpFilter::bicubic), noise);
  // The share of the measurement; all of it where what is seen now was outside the last frame.
  const auto gain = at::where(points_inside(flow), predicted / (predicted + power), 1.0);
  z_ = at::lerp(moved, y, gain);
  variance_ = (gain * power).clamp_min_(power / frames_remembered);
  single_ = single;
  estimate.z = z_;
  estimate.level = variance_.sqrt();
  return estimate;
}

}  // namespace reddiff
