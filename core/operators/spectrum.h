// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The singular value decomposition of an operator, H = U diag(l) V^T, for solvers that treat each singular vector by what the measurement
// says of it. "Modes" are coefficients in those vectors: V^T x of a picture, U^T y of a measurement, both laid out as a picture is,
// [N,3,H,W]; where l is zero nothing was measured and U^T y is zero.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

class Spectrum {
 public:
  virtual ~Spectrum() = default;

  virtual at::Tensor modes(const at::Tensor& x) const = 0;           // V^T x
  virtual at::Tensor picture(const at::Tensor& modes) const = 0;     // V c
  virtual at::Tensor measured_modes(const at::Tensor& y) const = 0;  // U^T y

  // l >= 0 for measurements of the size of y, [1,3,H,W] or broadcast to it.
  virtual at::Tensor singular_values(const at::Tensor& y) const = 0;

  // Whether U is the identity, so that a missing row is a singular value of zero.
  virtual bool of_pixels() const { return false; }
};

}  // namespace reddiff
