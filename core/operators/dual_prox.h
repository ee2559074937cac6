// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The proximal map of operator.h on the measurement's grid, where a reduction by K leaves 1/K^2 of the unknowns:
//
//   x = z + H^T W s,   (W H H^T W + rho) s = W (y - H z).
//
// H H^T of blurs and reductions, alone or composed, is a convolution with a kernel that is its own half-turn image. The DCT-II's
// basis is close to its eigenvectors, so conjugate gradients in s, preconditioned by 1/(mean(w) p + rho) with p its spectrum,
// need few iterations however small rho is; only borders, holes and what the DCT mixes are left to them. The spectrum is read
// off one impulse sent through H^T and H, so any operator that treats places (and channels) alike can use this.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/operators/cosine_transform.h"
#include "core/operators/operator.h"
#include "core/operators/tensor_cache.h"

namespace reddiff {

class DualProx {
 public:
  // As Operator::prox, image by image. Weights are 0 or 1.
  at::Tensor operator()(const Operator& op, const at::Tensor& z, const at::Tensor& y, const at::Tensor& w,
                        double rho) const;

 private:
  at::Tensor spectrum(const Operator& op, const at::Tensor& y) const;
  at::Tensor solve(const Operator& op, const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const;

  CosineTransform cosines_;
  mutable TensorCache spectra_;
};

}  // namespace reddiff
