// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The parts of the network that run on a GPU's tensor cores by kernels of our own (tensor_conv_cuda.h) instead of a library's convolution
// and operators around it. What they compute is the network of conv_unet.cpp; values are rounded to half precision less often.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/priors/film.h"

namespace reddiff {

// Whether convolutions from `channels` to as many, float16 or bfloat16, do.
bool has_tensor_conv(at::Device device, at::ScalarType type, std::int64_t channels);

// A residual block: x + conv2(relu(conv1(x) * gain + bias)).
class TensorBlock {
 public:
  // [C,C,3,3] each, on the device.
  TensorBlock(const at::Tensor& weight1, const at::Tensor& weight2);

  // x: [N,C,h,w], channels-last, in place. table: of the block, map: of x's level of the pyramid.
  void apply(at::Tensor& x, const FilmMap& map, const at::Tensor& table) const;

 private:
  at::Tensor first_, second_;
};

// Range of the noise level, and sigma_data of the preconditioning.
struct NoiseRange {
  double sigma_min, sigma_max, sigma_data;
};

// The first and the last layer, with the preconditioning before and after them.
class TensorEnds {
 public:
  // head: [32,12,3,3] and [32], tail: [12,32,3,3] and [12], channels of 2x2 pixels as (row, column, colour); weights in half precision.
  TensorEnds(const at::Tensor& head, const at::Tensor& head_bias, const at::Tensor& tail, const at::Tensor& tail_bias,
             NoiseRange range);

  // u: [N,3,H,W], sigma: [N,1,H,W] or [1,1,1,1], float32 and contiguous. Returns [N,32,height,width], channels-last, where height and width
  // are at least half of H and W.
  at::Tensor head(const at::Tensor& u, const at::Tensor& sigma, std::int64_t height, std::int64_t width) const;

  // The denoised picture [N,3,H,W] from the network's last activation and what head() was given.
  at::Tensor tail(const at::Tensor& x, const at::Tensor& u, const at::Tensor& sigma) const;

 private:
  at::Tensor head_, head_bias_, tail_, tail_bias_;
  NoiseRange range_;
};

}  // namespace reddiff
