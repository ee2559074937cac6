// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/operator.h"

#include <ATen/ATen.h>

#include "core/api/error.h"
#include "core/operators/conjugate_gradients.h"
#include "core/operators/per_image.h"

namespace reddiff {

at::Tensor Operator::prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const {
  if (!linear())
    throw Error(ErrorCode::settings, "this solver needs a linear operator; choose another solver or operator");
  constexpr int iterations = 8;
  return per_image(z.size(0), [&](std::int64_t i) {
    return conjugate_gradients(*this, image(z, i), image(y, i), image(w, i), rho, iterations);
  });
}

double Operator::mean_gain() const {
  constexpr double little = 1e-4;  // rho(q)/q at q = 0 is that mean
  return rho(at::full({1}, little)).item<double>() / little;
}

}  // namespace reddiff
