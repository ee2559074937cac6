// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/filter.h"

#include <ATen/ATen.h>

#include "core/temporal/evidence.h"
#include "core/temporal/scene_cut.h"
#include "core/temporal/warp.h"

namespace reddiff {
namespace {

constexpr double frames_remembered = 3;  // motion is never perfect: P stays above sv^2 over this (README.md)
constexpr double share_of_lost = 0.3;    // of the level, where H loses resolution

bool lossy(const Measured& now) { return static_cast<bool>(now.residual); }

// What this frame says of its own pixels, before the past is asked: o and R.
struct Observation {
  at::Tensor value, variance;
};

Observation observe(const Measured& now) {
  if (lossy(now)) return {now.single, lost_variance(now.picture)};
  const auto variance = at::full_like(now.picture.narrow(1, 0, 1), now.noise * now.noise);
  if (!now.known.defined()) return {now.picture, variance};
  const auto measured = now.known > 0;
  return {at::where(measured, now.picture, now.single),
          at::where(measured, variance, hole_variance(now.picture, now.known, now.noise))};
}

}  // namespace

TemporalFilter::TemporalFilter(double scene_threshold, std::unique_ptr<Flow> flow)
    : scene_threshold_(scene_threshold), flow_(std::move(flow)) {}

void TemporalFilter::reset() { z_ = variance_ = single_ = at::Tensor(); }

at::Tensor TemporalFilter::motion_of(const Measured& now) const {
  const auto flow = flow_->estimate(now.single, single_);
  return now.known.defined() ? from_measured(flow, now.known) : flow;
}

TemporalFilter::Prediction TemporalFilter::predict(const Measured& now) const {
  const auto flow = motion_of(now);
  auto moved = warp(z_, flow, WarpFilter::bicubic);
  at::Tensor wrong;  // Q
  if (lossy(now)) {
    wrong = motion_variance_behind(now.residual(moved), moved.size(2), moved.size(3), now.noise);
  } else if (now.known.defined()) {
    wrong = motion_variance_around(now.picture, moved, now.known, now.noise);
  } else {
    const auto before = warp(single_, flow, WarpFilter::bicubic);
    const auto change = lighting_change(now.single, before, now.noise);
    wrong = motion_variance(now.single, before + change, now.noise);
    moved = moved + change;
  }
  return {moved, warp(variance_, flow, WarpFilter::bilinear) + wrong, points_inside(flow)};
}

TemporalFilter::Estimate TemporalFilter::update(const Measured& now) {
  Estimate estimate;
  if (z_.defined() && is_scene_cut(now.single, single_, scene_threshold_)) {
    reset();
    estimate.cut = true;
  }
  const auto [seen, own] = observe(now);
  if (!z_.defined()) {
    z_ = seen;
    variance_ = own;
  } else {
    const auto past = predict(now);
    // The share of what is seen now; all of it where that was outside the last frame.
    const auto gain = at::where(past.inside, past.variance / (past.variance + own), 1.0);
    z_ = at::lerp(past.z, seen, gain);
    if (lossy(now)) z_ = now.agree(z_);
    variance_ = (gain * own).clamp_min_(now.noise * now.noise / frames_remembered);
    estimate.z = z_;
    estimate.level = variance_.sqrt();
    if (lossy(now)) estimate.level.mul_(share_of_lost);
  }
  single_ = now.single;
  return estimate;
}

}  // namespace reddiff
