// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/operator.h"

#include <ATen/ATen.h>

#include "core/api/error.h"
#include "core/operators/per_image.h"

namespace reddiff {
namespace {

constexpr int iterations = 8;

// Keeps 0/0 away once a residual has become zero; far below any value that matters, yet a normal float.
constexpr double tiny = 1e-30;

// (H^T W H + rho) x = H^T W y + rho z for one image. Scalars stay on the device: no call waits for it.
at::Tensor conjugate_gradients(const Operator& op, const at::Tensor& z, const at::Tensor& y, const at::Tensor& w,
                               double rho) {
  const auto weighted = [&](const at::Tensor& rows) { return w.defined() ? rows * w : rows; };
  at::Tensor x = z;
  at::Tensor residual = op.vjp(z, weighted(y - op.forward(z)));
  at::Tensor direction = residual;
  at::Tensor energy = (residual * residual).sum();
  for (int i = 0; i < iterations; ++i) {
    const at::Tensor image = op.vjp(direction, weighted(op.forward(direction))) + direction * rho;
    const at::Tensor length = energy / (direction * image).sum().clamp_min(tiny);
    x = x + direction * length;
    residual = residual - image * length;
    const at::Tensor next = (residual * residual).sum();
    direction = residual + direction * (next / energy.clamp_min(tiny));
    energy = next;
  }
  return x;
}

}  // namespace

at::Tensor Operator::prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const {
  if (!linear())
    throw Error(ErrorCode::settings, "this solver needs a linear operator; choose another solver or operator");
  return per_image(z.size(0), [&](std::int64_t i) {
    return conjugate_gradients(*this, image(z, i), image(y, i), image(w, i), rho);
  });
}

}  // namespace reddiff
