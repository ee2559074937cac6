// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/warm_start.h"

#include <ATen/ATen.h>

#include "core/frame/window.h"
#include "core/temporal/warp.h"

namespace reddiff {
namespace {

// Residuals up to this many code values beyond the noise are put down to interpolation.
constexpr double tolerated = 8 * 2.0 / 255;

}  // namespace

void WarmStart::reset() { measured_ = solution_ = at::Tensor(); }

// Whether the two ways agree is asked at half the size: the answer is as good, and the flow back costs a quarter.
at::Tensor WarmStart::trust_of(const at::Tensor& backward, const at::Tensor& measured, double noise,
                               const Motion& motion) const {
  const auto height = measured.size(2), width = measured.size(3);
  const auto to = halved(measured), from = halved(measured_);
  const auto forward = motion.between(from, to);
  const auto half = halved(backward);
  const auto agreed = trusted_motion(half.size(3) < width ? half / 2 : half, forward);
  const auto moved = warp(measured_, backward, WarpFilter::bilinear);
  const auto residual = window_mean((measured - moved).square().mean(1, true), 5);
  const double limit = 2 * noise * noise + tolerated * tolerated;
  return at::upsample_nearest2d(agreed, {height, width}) * (residual < limit).to(backward.dtype());
}

Prediction WarmStart::predict(const at::Tensor& measured, double noise, bool with_trust, Motion& motion) {
  Prediction prediction;
  if (!solution_.defined()) return prediction;
  if (motion.is_cut(measured, measured_)) {
    reset();
    prediction.cut = true;
    return prediction;
  }
  const auto backward = motion.backward(measured, measured_, noise);
  if (with_trust) prediction.trust = trust_of(backward, measured, noise, motion);
  prediction.moved = warp(solution_, backward, WarpFilter::bicubic);
  return prediction;
}

void WarmStart::remember(const at::Tensor& measured, const at::Tensor& solution) {
  measured_ = measured;
  solution_ = solution;
}

}  // namespace reddiff
