// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/sampling.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/solvers/rng.h"

namespace reddiff {

at::Tensor Sampling::sigma(int step, const at::Tensor& like) const {
  return at::full({1, 1, 1, 1}, level(step), like.options());
}

at::Tensor Sampling::first(const at::Tensor& mu) const {
  return mu + level(0) * normal_field(seed_, 0, mu.sizes(), mu.device());
}

at::Tensor Sampling::fresh(int step, const at::Tensor& like) const {
  return normal_field(seed_, static_cast<std::uint64_t>(step) + 1, like.sizes(), like.device());
}

at::Tensor Sampling::next(int step, const at::Tensor& u, const at::Tensor& x0, double eta) const {
  const double s = level(step), after = next_level(step);
  if (after == 0) return x0;
  const double c = eta * after * std::sqrt(1 - after * after / (s * s));
  const auto kept = x0 + (u - x0) * (std::sqrt(after * after - c * c) / s);
  return c == 0 ? kept : kept + c * fresh(step, u);
}

}  // namespace reddiff
