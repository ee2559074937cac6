// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/gradient.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

namespace reddiff {

DenoisedWithGradient through_autograd(const at::Tensor& u, const std::function<at::Tensor(const at::Tensor&)>& forward,
                                      const Cotangent& cotangent) {
  at::Tensor input, denoised;
  {
    const c10::InferenceMode recording(false);
    input = at::empty(u.sizes(), u.options()).copy_(u).requires_grad_(true);
    denoised = forward(input);
  }
  const at::Tensor seen = denoised.detach(), v = cotangent(seen);
  const c10::InferenceMode recording(false);
  const auto gradient = torch::autograd::grad({denoised}, {input}, {at::empty_like(seen).copy_(v)});
  return {seen, gradient[0]};
}

}  // namespace reddiff
