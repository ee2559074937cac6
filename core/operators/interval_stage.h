// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Operators that round or clip: y says only in which interval each value lies. Their derivative is zero or infinite, or zero where a
// value that was clipped would have to be led back; what solvers get in its place is that of the slope underneath, as if nothing was
// rounded or clipped ("straight-through"): vjp(x, r) = slope r. The residual it is applied to is zero wherever x gives y.
#pragma once

#include "core/operators/operator.h"

namespace reddiff {

class IntervalStage : public Operator {
 public:
  explicit IntervalStage(double slope = 1) : slope_(slope) {}

  bool linear() const override { return false; }
  const IntervalFace* intervals() const override { return &face_; }

  at::Tensor vjp(const at::Tensor&, const at::Tensor& r) const override { return slope_ == 1 ? r : r * slope_; }
  at::Tensor pseudo_inverse(const at::Tensor& y) const override { return slope_ == 1 ? y : y / slope_; }

  // As of the slope.
  at::Tensor rho(const at::Tensor& q) const override {
    const auto seen = q * (slope_ * slope_);
    return seen / (1 + seen);
  }

 private:
  double slope_;
  IntervalFace face_{nullptr};
};

}  // namespace reddiff
