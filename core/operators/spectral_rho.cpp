// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/spectral_rho.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace reddiff {
namespace {

constexpr std::int64_t nominal_size = 24;

// The table covers q from 1e-6 to 1e8 and is constant beyond: there the ratio has reached its limits.
constexpr double first_log = -13.8;
constexpr double log_step = 0.1;
constexpr std::int64_t entries = 323;

// Rho at each entry of the table over q/(1+q).
at::Tensor ratio_table(const Operator& op) {
  const std::int64_t factor = op.factor();
  const std::int64_t size = factor * std::max<std::int64_t>(2, nominal_size / factor);
  at::Tensor eigenvalues = nonzero_eigenvalues(op, size);
  double values = static_cast<double>(size) * static_cast<double>(size);
  if (op.channels() == 1) {
    // The mean over three channels, wherever it stands: one of three eigenvalues is left, and it is a third.
    eigenvalues = eigenvalues / 3;
    values *= 3;
  }
  const at::Tensor q = (at::arange(entries, at::kDouble) * log_step + first_log).exp().unsqueeze(1);
  const at::Tensor ql = q * eigenvalues.clamp_min(0);
  const at::Tensor rho = (ql / (1 + ql)).sum(1) / values;
  return rho * ((1 + q) / q).squeeze(1);
}

}  // namespace

at::Tensor nonzero_eigenvalues(const Operator& op, std::int64_t size) {
  // H H^T has the eigenvalues of H^T H but for zeros, and is the smaller one.
  const std::int64_t side = size / op.factor();
  const std::int64_t rows = side * side;
  const at::Tensor impulses = at::eye(rows, at::kDouble).view({rows, 1, side, side});
  const at::Tensor shape_only = at::zeros({1, 1, 1, 1}, at::kDouble).expand({rows, 1, size, size});
  const at::Tensor h_ht = op.forward(op.vjp(shape_only, impulses)).reshape({rows, rows});
  return at::linalg_eigvalsh((h_ht + h_ht.t()) / 2, "L");
}

at::Tensor SpectralRho::operator()(const Operator& op, const at::Tensor& q) const {
  const at::Tensor table = table_.get(0, q, [&] { return std::vector<at::Tensor>{ratio_table(op)}; })[0];
  const at::Tensor place = ((q.log() - first_log) / log_step).clamp(0, static_cast<double>(entries - 1));
  const at::Tensor left = place.floor().clamp_max(static_cast<double>(entries - 2));
  const at::Tensor fraction = place - left;
  const at::Tensor index = left.to(at::kLong);
  const at::Tensor ratio = at::take(table, index) * (1 - fraction) + at::take(table, index + 1) * fraction;
  return ratio * q / (1 + q);
}

}  // namespace reddiff
