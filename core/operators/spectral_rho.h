// SPDX-License-Identifier: LGPL-2.1-or-later
//
// rho (see operator.h) of any linear operator whose spatial part treats every channel alike. The eigenvalues of H^T H are those
// of the operator on a picture of about 24 pixels a side, so borders count more than on a large picture: a few percent of rho, for
// small q and wide blurs more (a box of 9 pixels: two fifths). Rho is then tabulated over log q, as its ratio to q/(1+q), which
// varies slowly.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/operators/operator.h"
#include "core/operators/tensor_cache.h"

namespace reddiff {

// The eigenvalues of H^T H on one channel of a size x size picture that may be other than zero, ascending, double, CPU:
// (size/factor)^2 of them; all others are zero. `size` is a multiple of the factor.
at::Tensor nonzero_eigenvalues(const Operator& op, std::int64_t size);

class SpectralRho {
 public:
  // The table is made at the first call.
  at::Tensor operator()(const Operator& op, const at::Tensor& q) const;

 private:
  mutable TensorCache table_;
};

}  // namespace reddiff
