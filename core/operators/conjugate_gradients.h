// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The proximal map of operator.h by preconditioned conjugate gradients. Scalars stay on the device: no call waits for it,
// so the number of iterations is the caller's to choose beforehand.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "core/operators/operator.h"

namespace reddiff {

// A symmetric positive approximation of (H^T W H + rho)^-1, applied to one picture [1,3,H,W].
using Preconditioner = std::function<at::Tensor(const at::Tensor&)>;

// (H^T W H + rho) x = H^T W y + rho z for one image, started at z; an empty preconditioner is the identity. Where the start
// is the solution it is returned to the bit.
at::Tensor conjugate_gradients(const Operator& op, const at::Tensor& z, const at::Tensor& y, const at::Tensor& w,
                               double rho, int iterations, const Preconditioner& precondition = {});

}  // namespace reddiff
