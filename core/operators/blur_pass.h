// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One pass of a blur: convolution with one kernel under half-sample symmetric borders (... b a | a b c | c b ...), and its exact
// adjoint. Pictures of any size, smaller than the kernel too.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/operators/blur_kernels.h"
#include "core/operators/tensor_cache.h"

namespace reddiff {

class BlurPass {
 public:
  explicit BlurPass(Kernel kernel);

  // One image, [1,C,H,W]. Both can be differentiated by autograd in their argument.
  at::Tensor convolve(const at::Tensor& x) const;
  at::Tensor adjoint(const at::Tensor& r) const;

  const Kernel& kernel() const { return kernel_; }

 private:
  enum Direction { turned, as_given };
  at::Tensor correlate(Direction direction, const at::Tensor& x) const;
  at::Tensor correlate_by_fft(Direction direction, const at::Tensor& x) const;

  Kernel kernel_, turned_;
  mutable TensorCache constants_, spectra_;
};

}  // namespace reddiff
