// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/warm_start.h"

#include <ATen/ATen.h>

#include "core/frame/window.h"
#include "core/temporal/scene_cut.h"
#include "core/temporal/warp.h"

namespace reddiff {
namespace {

// Noise above this (four code values of 8 bit) leads the flow astray; half the resolution averages it out.
constexpr double noisy = 4 * 2.0 / 255;
constexpr std::int64_t smallest_halved_side = 96;

// Residuals up to this many code values beyond the noise are put down to interpolation.
constexpr double tolerated = 8 * 2.0 / 255;

at::Tensor halved(const at::Tensor& picture) {
  return std::min(picture.size(2), picture.size(3)) >= smallest_halved_side ? at::avg_pool2d(picture, {2, 2}) : picture;
}

// The motion of halved pictures for pictures of this size; an odd last line, which they lack, moves as the one before it.
at::Tensor doubled_flow(const at::Tensor& flow, std::int64_t height, std::int64_t width) {
  if (flow.size(2) == height && flow.size(3) == width) return flow;
  const auto odd = at::replication_pad2d(flow, {0, width % 2, 0, height % 2});
  return at::upsample_bilinear2d(odd, {2 * odd.size(2), 2 * odd.size(3)}, false)
      .narrow(2, 0, height)
      .narrow(3, 0, width)
      .mul(2);
}

}  // namespace

WarmStart::WarmStart(double scene_threshold, std::unique_ptr<Flow> flow)
    : scene_threshold_(scene_threshold), flow_(std::move(flow)) {}

void WarmStart::reset() { measured_ = solution_ = at::Tensor(); }

// Whether the two ways agree is asked at half the size: the answer is as good, and the flow back costs a quarter.
at::Tensor WarmStart::trust_of(const at::Tensor& backward, const at::Tensor& measured, double noise) const {
  const auto height = measured.size(2), width = measured.size(3);
  const auto to = halved(measured), from = halved(measured_);
  const auto forward = flow_->estimate(from, to);
  const auto half = halved(backward);
  const auto agreed = trusted_motion(half.size(3) < width ? half / 2 : half, forward);
  const auto moved = warp(measured_, backward, WarpFilter::bilinear);
  const auto residual = window_mean((measured - moved).square().mean(1, true), 5);
  const double limit = 2 * noise * noise + tolerated * tolerated;
  return at::upsample_nearest2d(agreed, {height, width}) * (residual < limit).to(backward.dtype());
}

Prediction WarmStart::predict(const at::Tensor& measured, double noise, bool with_trust) {
  Prediction prediction;
  if (!solution_.defined()) return prediction;
  if (is_scene_cut(measured, measured_, scene_threshold_)) {
    reset();
    prediction.cut = true;
    return prediction;
  }
  const bool small = noise > noisy;
  const auto backward =
      doubled_flow(flow_->estimate(small ? halved(measured) : measured, small ? halved(measured_) : measured_),
                   measured.size(2), measured.size(3));
  if (with_trust) prediction.trust = trust_of(backward, measured, noise);
  prediction.moved = warp(solution_, backward, WarpFilter::bicubic);
  return prediction;
}

void WarmStart::remember(const at::Tensor& measured, const at::Tensor& solution) {
  measured_ = measured;
  solution_ = solution;
}

}  // namespace reddiff
