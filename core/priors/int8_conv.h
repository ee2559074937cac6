// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A 3x3 convolution of 8-bit whole numbers on a CPU, by oneDNN. A value x is stored as q = x / step + zero, rounded and cut to 0..255
// (affine quantisation, one step for the tensor); a weight as a whole number of -127..127 times a step of its output channel. Sums are
// exact in 32 bits, so the result is the same in any order and on any number of threads; what is lost is the rounding.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace reddiff {

// Whether this LibTorch has the operators and this CPU computes them without overflow: those without VNNI instructions add pairs of
// products in 16 bits. Tried once per process, with the largest values there are.
bool has_int8_convolution();

struct Quantisation {
  double step = 1;
  std::int64_t zero = 0;  // 0..255

  // The finest one that holds least..most, which must be finite; 0 is a value of it.
  static Quantisation of_range(double least, double most);
};

// x: float32, any layout, dense. The same layout, as bytes. What lies outside the range becomes its end, NaN the least.
at::Tensor quantised(const at::Tensor& x, const Quantisation& scale);

class Int8Conv2d {
 public:
  // weight: [out,in,3,3] float32 on the CPU. Bytes come in with a zero point other than 0 or, for values that are never negative, with 0.
  enum class Input { any_sign, positive };
  Int8Conv2d(const at::Tensor& weight, Input input);

  // x: [N,in,H,W] bytes, channels-last; the border is padded with the value 0. [N,out,H,W] float32, channels-last.
  at::Tensor forward(const at::Tensor& x, const Quantisation& scale) const;

  // relu(gain * (weight * x) + bias), gain and bias [out], as bytes of zero point 0 and `step`.
  at::Tensor forward_scaled_relu(const at::Tensor& x, const Quantisation& scale, const at::Tensor& gain,
                                 const at::Tensor& bias, double step) const;

  // residual += weight * x, in place; residual: [N,out,H,W] float32, channels-last.
  void add_to(at::Tensor& residual, const at::Tensor& x, const Quantisation& scale) const;

 private:
  at::Tensor weight_, step_, zero_;  // laid out by oneDNN; [out] each
};

}  // namespace reddiff
