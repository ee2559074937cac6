// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Operators whose rows are orthogonal and of one energy g, H H^T = g I, where g is also the share of measurements per value
// (average-pool: 1/K^2; gray: 1/3). The proximal map and rho then have closed forms, the first with weights too.
#pragma once

#include "core/operators/operator.h"

namespace reddiff {

class OrthogonalRows : public Operator {
 public:
  explicit OrthogonalRows(double energy) : energy_(energy) {}

  // x = z + H^T w/(g w + rho) (y - H z), by the matrix inversion lemma: W^(1/2) H H^T W^(1/2) = g W is diagonal.
  at::Tensor prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const override {
    const at::Tensor miss = y - forward(z);
    return z + vjp(z, w.defined() ? miss * (w / (w * energy_ + rho)) : miss / (energy_ + rho));
  }

  // A share g of the eigenvalues of H^T H is g, the rest is zero.
  at::Tensor rho(const at::Tensor& q) const override { return energy_ * (q * energy_) / (1 + q * energy_); }

 private:
  double energy_;
};

}  // namespace reddiff
