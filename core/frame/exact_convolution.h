// SPDX-License-Identifier: LGPL-2.1-or-later
//
// at::conv2d that means what it says on every device. On a GPU, cuDNN would by default round float32 inputs to TF32 (three
// decimal digits) and may choose an algorithm whose sums depend on timing; both are global switches of LibTorch, which are not
// ours to set (other elements of the process share them), but also arguments of the call below it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace reddiff {

// As at::conv2d with square stride and padding: x [N,C,H,W], weight [out,C/groups,k,l], bias [out] or undefined.
at::Tensor exact_conv2d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {},
                        std::int64_t stride = 1, std::int64_t padding = 0, std::int64_t groups = 1);

}  // namespace reddiff
