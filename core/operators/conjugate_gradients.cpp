// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/conjugate_gradients.h"

#include <ATen/ATen.h>

namespace reddiff {
namespace {

// Keeps 0/0 away once a residual has become zero; far below any value that matters, yet a normal float.
constexpr double tiny = 1e-30;

}  // namespace

at::Tensor conjugate_gradients(const Operator& op, const at::Tensor& z, const at::Tensor& y, const at::Tensor& w,
                               double rho, int iterations, const Preconditioner& precondition) {
  const auto weighted = [&](const at::Tensor& rows) { return w.defined() ? rows * w : rows; };
  const auto preconditioned = [&](const at::Tensor& r) { return precondition ? precondition(r) : r; };
  at::Tensor x = z;
  at::Tensor residual = op.vjp(z, weighted(y - op.forward(z)));
  at::Tensor direction = preconditioned(residual);
  at::Tensor energy = (residual * direction).sum();
  for (int i = 0; i < iterations; ++i) {
    const at::Tensor image = op.vjp(direction, weighted(op.forward(direction))) + direction * rho;
    const at::Tensor length = energy / (direction * image).sum().clamp_min(tiny);
    x = x + direction * length;
    if (i + 1 == iterations) break;
    residual = residual - image * length;
    const at::Tensor correction = preconditioned(residual);
    const at::Tensor next = (residual * correction).sum();
    direction = correction + direction * (next / energy.clamp_min(tiny));
    energy = next;
  }
  return x;
}

}  // namespace reddiff
