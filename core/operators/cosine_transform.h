// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The DCT-II of a picture along both axes, c(k) = sum over n of x(n) cos(pi k (2n + 1)/(2N)), and its inverse. It is the basis
// in which a filter with half-sample symmetric borders and a kernel equal to its mirror images is diagonal. Through one real FFT of
// N points an axis on any device; any size, fastest without large prime factors. float or double.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/operators/tensor_cache.h"

namespace reddiff {

class CosineTransform {
 public:
  // [N,C,H,W] to coefficients [W,N*C,H], lowest first: columns are left as rows, because the FFT is fastest along memory.
  at::Tensor forward(const at::Tensor& x) const;

  // Back, to the shape of `like`.
  at::Tensor inverse(const at::Tensor& coefficients, const at::Tensor& like) const;

 private:
  at::Tensor twiddles(const at::Tensor& like) const;
  at::Tensor forward_rows(const at::Tensor& x) const;
  at::Tensor inverse_rows(const at::Tensor& coefficients) const;

  mutable TensorCache twiddles_;
};

}  // namespace reddiff
