// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/conjugate_gradients.h"

#include <ATen/ATen.h>

#include "core/api/abort.h"

namespace reddiff {
namespace {

// Keeps 0/0 away once a residual has become zero; far below any value that matters, yet a normal float.
constexpr double tiny = 1e-30;

}  // namespace

at::Tensor conjugate_gradients(const LinearMap& map, const at::Tensor& start, const at::Tensor& residual,
                               int iterations, const LinearMap& precondition) {
  const auto preconditioned = [&](const at::Tensor& r) { return precondition ? precondition(r) : r; };
  at::Tensor x = start;
  at::Tensor left = residual;
  at::Tensor direction = preconditioned(left);
  at::Tensor energy = (left * direction).sum();
  for (int i = 0; i < iterations; ++i) {
    throw_if_aborted();
    const at::Tensor image = map(direction);
    const at::Tensor length = energy / (direction * image).sum().clamp_min(tiny);
    x = x + direction * length;
    if (i + 1 == iterations) break;
    left = left - image * length;
    const at::Tensor correction = preconditioned(left);
    const at::Tensor next = (left * correction).sum();
    direction = correction + direction * (next / energy.clamp_min(tiny));
    energy = next;
  }
  return x;
}

at::Tensor conjugate_gradients(const Operator& op, const at::Tensor& z, const at::Tensor& y, const at::Tensor& w,
                               double rho, int iterations, const LinearMap& precondition) {
  const auto weighted = [&](const at::Tensor& rows) { return w.defined() ? rows * w : rows; };
  const LinearMap map = [&](const at::Tensor& x) { return op.vjp(x, weighted(op.forward(x))) + x * rho; };
  return conjugate_gradients(map, z, op.vjp(z, weighted(y - op.forward(z))), iterations, precondition);
}

}  // namespace reddiff
