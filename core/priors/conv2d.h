// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One convolution of an inference network with what follows it fused into it: bias, ReLU, a gain per channel, the
// addition to a residual. Two paths give the same values up to rounding: `plain` uses public ATen operators on any
// device and is the definition; `fused` uses oneDNN's post-operations on the CPU in float32. Those operators are
// private to LibTorch, so they are looked up and tried at run time. `tensor` is `plain` here:
// tensor_conv.h takes some layers over, on a GPU in half precision. A network on the path `int8` (int8_block.h) has this class on another
// one for what stays in float32. Weights are not laid out ahead of time: README.md
// says why.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace reddiff {

enum class ConvPath { plain, fused, int8, tensor };

// Whether the calls of this thread are to be differentiated. Then `plain` serves every path.
bool records_gradient();

// Whether this LibTorch has the operators of the fused path and they work. Tried once per process.
bool has_fused_convolution();

class Conv2d {
 public:
  Conv2d() = default;

  // weight: [out,in,k,k], bias: [out] or undefined, both on the device and in the type to compute in.
  Conv2d(const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride, std::int64_t padding, ConvPath path);

  // x: [N,in,H,W], channels-last memory; so is the result.
  at::Tensor forward(const at::Tensor& x) const;

  // relu(gain * (weight * x) + bias) with gain, bias: [out]. The gain goes into the weights, which costs the same for
  // any size of x. The bias given at construction is not used.
  at::Tensor forward_scaled_relu(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias) const;

  // residual += weight * x + bias; in place where no gradient is recorded.
  void add_to(at::Tensor& residual, const at::Tensor& x) const;

 private:
  bool is_fused() const { return path_ == ConvPath::fused && !records_gradient(); }

  at::Tensor weight_, bias_;
  std::int64_t stride_ = 1, padding_ = 0;
  ConvPath path_ = ConvPath::plain;
};

}  // namespace reddiff
