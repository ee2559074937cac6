// SPDX-License-Identifier: LGPL-2.1-or-later
//
// With erfcx(z) = exp(z^2) erfc(z) the tails that would underflow cancel: the result's distance from the mean is
//   r = sqrt(2/pi) (1 - exp(-2 t h)) / (erfcx(a/sqrt 2) - exp(-2 t h) erfcx(b/sqrt 2)),
// with the cell mirrored so that t >= 0. Its density falls from the mean on: 0 <= r <= t.
#include "core/frame/truncated_mean.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

#include "core/api/abort.h"

namespace reddiff {
namespace {

// In sigma. A cell that begins so far below the mean ends further above it: nothing is cut.
constexpr double whole = -9;
// Of a narrower cell the differences above are lost in rounding, and its centre is as good.
double narrow(const at::Tensor& values) { return values.scalar_type() == at::kDouble ? 1e-3 : 1e-2; }

}  // namespace

at::Tensor truncated_mean(const at::Tensor& mean, const Intervals& cells, double sigma) {
  throw_if_aborted();
  const auto offset = (cells.centre - mean).div_(sigma), half = cells.half_width / sigma;
  const auto t = offset.abs(), a = t - half;
  const auto exponent = -2 * t * half;
  const auto near = at::special_erfcx(a.clamp_min(whole).div_(std::numbers::sqrt2));
  const auto far = at::special_erfcx((t + half).div_(std::numbers::sqrt2)).mul_(exponent.exp());
  auto r = exponent.expm1().mul_(-std::sqrt(2 / std::numbers::pi)).div_(near - far);
  r = at::where(half < narrow(half), t, r);
  r = at::minimum(at::maximum(r, a.clamp_min(0)), t);
  return mean + (r * offset.sign()).mul_(sigma);
}

at::Tensor truncated_mean(const at::Tensor& mean, const Intervals& cells, double sigma, double noise) {
  const double both = std::hypot(sigma, noise);
  const auto seen = truncated_mean(mean, cells, both);
  return noise > 0 ? mean + (seen - mean) * (sigma * sigma / (both * both)) : seen;
}

}  // namespace reddiff
