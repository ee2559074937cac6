// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/exact_convolution.h"

#include <ATen/ATen.h>

#include <optional>

namespace reddiff {

at::Tensor exact_conv2d(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride,
                        std::int64_t padding, std::int64_t groups) {
  const std::int64_t strides[] = {stride, stride}, paddings[] = {padding, padding}, dilations[] = {1, 1};
  const auto optional_bias = bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt;
  if (!x.is_cuda()) return at::conv2d(x, weight, optional_bias, strides, paddings, dilations, groups);
  constexpr bool transposed = false, benchmark = false, deterministic = true, cudnn = true, tf32 = false;
  return at::_convolution(x, weight, optional_bias, strides, paddings, dilations, transposed, {0, 0}, groups, benchmark,
                          deterministic, cudnn, tf32);
}

}  // namespace reddiff
