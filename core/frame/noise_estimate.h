// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The level of white noise in a picture, blind: the quietest blocks of a high-pass filtered picture hold little but noise.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

// picture: [1,3,H,W]. Standard deviation in the picture's units, over all channels; 0 for pictures with a side below 16 pixels
// and for flat or noise-free pictures.
double estimate_noise(const at::Tensor& picture);

}  // namespace reddiff
