// SPDX-License-Identifier: LGPL-2.1-or-later
//
// D and J_D^T v by LibTorch's automatic differentiation, in whatever mode the caller is.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "core/priors/denoiser.h"

namespace reddiff {

// forward: D of its argument by operators that can be differentiated; called once, with a copy of u. cotangent: as of
// DifferentiableDenoiser.
DenoisedWithGradient through_autograd(const at::Tensor& u, const std::function<at::Tensor(const at::Tensor&)>& forward,
                                      const Cotangent& cotangent);

}  // namespace reddiff
