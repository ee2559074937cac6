// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Moving a picture along a flow, and finding where the flow cannot be trusted.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

enum class WarpFilter { bilinear, bicubic };

// picture: [N,C,H,W]; flow: [N,2,H,W] in pixels, backward (see flow.h). Samples outside the picture repeat its border.
// Zero flow copies. bicubic: cubic convolution with a = -0.75.
at::Tensor warp(const at::Tensor& picture, const at::Tensor& flow, WarpFilter filter);

// [N,1,H,W], 1 where the motion is believed, 0 where it is not: the place pointed at lies outside the picture (by more than
// half a pixel), or going there with `backward` (to -> from) and back with `forward` (from -> to) misses the start:
// |b + f(x + b)|^2 > 0.01 (|b|^2 + |f|^2) + 0.5.
at::Tensor trusted_motion(const at::Tensor& backward, const at::Tensor& forward);

}  // namespace reddiff
