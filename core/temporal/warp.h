// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Moving a picture along a flow, and finding where the flow cannot be trusted.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

enum class WarpFilter { bilinear, bicubic };

// picture: [N,C,H,W], float32 or float64, sides below 2^24; flow: [N,2,H,W] in pixels, backward (see flow.h), on the same
// device. Samples outside the picture repeat its border; so does a place that is infinitely far away. bicubic: cubic convolution
// with a = -0.75. Whole pixels are exact, and pixels with zero flow are copied. A component of the flow that is no number counts
// as zero. On one device the same input gives the same bytes, for any number of threads.
at::Tensor warp(const at::Tensor& picture, const at::Tensor& flow, WarpFilter filter);

// The same by LibTorch's operators on any device: for a GPU where our own kernel was not compiled. Places a sample to about
// 1e-4 pixels and takes several times the time and memory.
at::Tensor warp_with_aten(const at::Tensor& picture, const at::Tensor& flow, WarpFilter filter);

// [N,1,H,W] bool: the flow points into the picture, or beyond it by half a pixel at most.
at::Tensor points_inside(const at::Tensor& flow);

// [N,1,H,W], 1 where the motion is believed, 0 where it is not: the place pointed at lies outside the picture (by more than
// half a pixel), or going there with `backward` (to -> from) and back with `forward` (from -> to) misses the start:
// |b + f(x + b)|^2 > 0.01 (|b|^2 + |f|^2) + 0.5.
at::Tensor trusted_motion(const at::Tensor& backward, const at::Tensor& forward);

}  // namespace reddiff
