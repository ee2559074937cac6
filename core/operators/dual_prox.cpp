// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/dual_prox.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/operators/conjugate_gradients.h"
#include "core/operators/per_image.h"

namespace reddiff {
namespace {

// Half the side of the patch on which the impulse's answer is seen, in measurement pixels; what reaches farther comes back from the
// patch's border. The larger the factor, the fewer of them a stage reaches.
std::int64_t reach_of(const Operator& op) { return std::clamp<std::int64_t>(768 / op.factor(), 8, 48); }

// Without holes only borders and what the DCT mixes are left to the iterations; holes mix all frequencies (README.md).
int iterations_for(const at::Tensor& w, double rho) {
  const double share = w.defined() ? 0.5 : 0.25;
  return static_cast<int>(std::clamp(std::ceil(share / std::sqrt(rho)), 8.0, w.defined() ? 32.0 : 16.0));
}

// H H^T of an impulse in the middle of a patch, [2 reach + 1, 2 reach + 1], double.
at::Tensor impulse_response(const Operator& op) {
  const std::int64_t reach = reach_of(op), side = 2 * reach + 1;
  const std::int64_t pixels = side * op.factor();
  at::Tensor impulse = at::zeros({1, op.channels(), side, side}, at::kDouble);
  impulse[0][0][reach][reach].fill_(1);
  const at::Tensor shape_only = at::zeros({1, 1, 1, 1}, at::kDouble).expand({1, 3, pixels, pixels});
  return op.forward(op.vjp(shape_only, impulse))[0][0];
}

}  // namespace

// Of the rows' grid of `y`, [w,1,h] as CosineTransform lays its coefficients.
at::Tensor DualProx::spectrum(const Operator& op, const at::Tensor& y) const {
  const std::int64_t height = y.size(2), width = y.size(3);
  return spectra_.get((height << 31) + width, y, [&] {
    const std::int64_t reach = reach_of(op);
    const auto cosines = [reach](std::int64_t n) {
      const at::Tensor frequency = at::arange(n, at::kDouble) * (std::numbers::pi / static_cast<double>(n));
      return at::outer(frequency, at::arange(-reach, reach + 1, at::kDouble)).cos_();
    };
    const at::Tensor power = at::matmul(at::matmul(cosines(width), impulse_response(op).t()), cosines(height).t());
    return std::vector<at::Tensor>{power.clamp_min_(0).unsqueeze(1)};
  })[0];
}

at::Tensor DualProx::solve(const Operator& op, const at::Tensor& z, const at::Tensor& y, const at::Tensor& w,
                           double rho) const {
  const auto weighted = [&](const at::Tensor& rows) { return w.defined() ? rows * w : rows; };
  const at::Tensor power = spectrum(op, y);
  const at::Tensor gain = ((w.defined() ? power * w.mean() : power) + rho).reciprocal();
  const LinearMap map = [&](const at::Tensor& s) { return weighted(op.forward(op.vjp(z, weighted(s)))) + s * rho; };
  const LinearMap precondition = [&](const at::Tensor& r) {
    return weighted(cosines_.inverse(cosines_.forward(r).mul_(gain), r));
  };
  const at::Tensor rows = weighted(y - op.forward(z));
  const at::Tensor s = conjugate_gradients(map, at::zeros_like(rows), rows, iterations_for(w, rho), precondition);
  return z + op.vjp(z, s);
}

at::Tensor DualProx::operator()(const Operator& op, const at::Tensor& z, const at::Tensor& y, const at::Tensor& w,
                                double rho) const {
  return per_image(z.size(0), [&](std::int64_t i) { return solve(op, image(z, i), image(y, i), image(w, i), rho); });
}

}  // namespace reddiff
