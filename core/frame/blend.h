// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The restored picture beside the one that needs no prior.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"

namespace reddiff {

// [1,C,h,w] enlarged by a whole factor without a prior: what strength=0 shows, late frames and solves that fail. Keys' cubic with
// a = -3/4, the one of OpenCV and LibTorch, not that of the operator `bicubic`; 1: the picture itself.
at::Tensor plainly_resampled(const at::Tensor& picture, int factor);

// The first columns of `plain`, a white one, the others of `restored`, both [1,3,H,W]. share: of the width, 0..1; at 0 and 1 there is no line.
at::Tensor compared(const at::Tensor& plain, const at::Tensor& restored, double share);

// strength of `restored`, the rest of `plain`, both [1,3,H,W]; all of `restored` where a pixel was missing. known: [1,1,h,w], 1 or 0, or
// undefined.
at::Tensor blended(const at::Tensor& plain, const at::Tensor& restored, const at::Tensor& known, double strength);

// The same of chroma alone: the luma of the matrix stays that of `restored`.
at::Tensor chroma_blended(const at::Tensor& plain, const at::Tensor& restored, const at::Tensor& known,
                          const ColorMatrix& matrix, double strength);

}  // namespace reddiff
