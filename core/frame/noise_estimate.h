// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The level of white noise in a picture, blind: the quietest blocks of a high-pass filtered picture hold little but noise. Blocks
// near black and white are left out, because noise was clipped there.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"

namespace reddiff {

// picture: [1,3,H,W]. known: [1,1,H,W], 1 or 0, undefined where all is known; blocks with a missing pixel are left out too. Standard
// deviation in the picture's units, over all channels; 0 for pictures with a side below 16 pixels, for flat or noise-free pictures, and
// where no block is complete.
double estimate_noise(const at::Tensor& picture, const at::Tensor& known = {});

// Of a frame and the picture read from it. Halved chroma planes hide their noise from the above: there it is smooth, and the prior
// takes smooth noise for detail unless it is told the level that white noise of the same density would have. So for Y'CbCr
//   level^2 = s_Y^2 + (1 - |k|^2) (a s_C^2) / c^2,
// k the luma coefficients, s_C the level in the chroma planes, a luma samples per chroma sample, c^2 the power of Cb and Cr that white
// R'G'B' noise of power 1 has: white noise before the conversion is found as it was, noise of luma alone as itself.
double estimate_noise(const FrameView& frame, const at::Tensor& picture, const at::Tensor& known = {});

}  // namespace reddiff
