// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames of which each value, R', G' and B', is known to lie in an interval: the last stages `hdr` and `quantise` of an operator
// (core/operators/steps.cpp). What they say of x where y is seen, core units:
//   hdr       y < 1 and y > -1: x = y/gain; y = 1: 1/gain ... 1; y = -1: -1 ... -1/gain     beyond black and white no picture goes
//   quantise  the interval whose centre is nearest to y
// all of it as wide as the frame is inaccurate: half a code value in R'G'B', thrice that in Y'CbCr. Halved chroma is a mean, and beside
// edges of colour nobody knows of what; the luma of such a pixel is what it was. Where a value lies farther from a centre than the
// frame is inaccurate, y itself is the centre, and as much farther the interval reaches.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"
#include "core/frame/likelihood.h"

namespace reddiff {

// picture: as read_picture() has read the frame, [1,3,h,w]. noise: of the scene, before it was clipped or rounded; core units, 0: none.
LikelihoodPtr make_clipped_cells(const FrameView& frame, const at::Tensor& picture, double gain, double noise = 0);
LikelihoodPtr make_quantised_cells(const FrameView& frame, const at::Tensor& picture, int bits, double noise = 0);

}  // namespace reddiff
