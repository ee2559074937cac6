// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which pixels of a frame were measured, whoever says it.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/config.h"
#include "core/api/restorer.h"

namespace reddiff {

// Missing becomes each pixel that has a missing one at most `by` rows and `by` columns away: a rectangle grows to a rectangle.
// known: [1,1,h,w], 1 or 0.
at::Tensor with_grown_holes(const at::Tensor& known, int by);

// [1,1,h,w], 1 or 0, on the picture's device. An alpha channel that is the mask is no longer one of the picture. Throws Error{settings}:
// there is none, or no mask came with the frame.
at::Tensor known_pixels(const FrameOptions& options, MaskSource source, int grow, const at::Tensor& picture,
                        at::Tensor& alpha);

}  // namespace reddiff
