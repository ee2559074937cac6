// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Preconditioned conjugate gradients, and the proximal map of operator.h by them. Scalars stay on the device: no call waits for
// it, so the number of iterations is the caller's to choose beforehand.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "core/operators/operator.h"

namespace reddiff {

// One picture to another of the same shape.
using LinearMap = std::function<at::Tensor(const at::Tensor&)>;

// x with map(x) = b, begun at `start`, where b - map(start) = `residual`; map symmetric and positive. `precondition`: a symmetric
// positive approximation of the map's inverse; empty: the identity. Where the residual is zero the start is returned to the bit.
at::Tensor conjugate_gradients(const LinearMap& map, const at::Tensor& start, const at::Tensor& residual,
                               int iterations, const LinearMap& precondition = {});

// (H^T W H + rho) x = H^T W y + rho z for one image, started at z.
at::Tensor conjugate_gradients(const Operator& op, const at::Tensor& z, const at::Tensor& y, const at::Tensor& w,
                               double rho, int iterations, const LinearMap& precondition = {});

}  // namespace reddiff
