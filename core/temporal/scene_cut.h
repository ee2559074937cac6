// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Has the scene changed between two measurements? Works on small grey versions of the pictures, before any flow.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

// a, b: [1,C,h,w] in [-1,1], same shape. A number in [0,1]: 0 for identical pictures, about the share of the picture's
// structure that the other one does not explain (unaffected by a uniform change of brightness, little by motion and noise).
double scene_distance(const at::Tensor& a, const at::Tensor& b);

// In two steps, so that a GPU need not be waited for: what is computed there, one value, and what it says.
at::Tensor unexplained_share(const at::Tensor& a, const at::Tensor& b);
double scene_distance(const at::Tensor& unexplained_share);

// A cut is scene_distance > threshold; threshold 0 never cuts.
bool is_scene_cut(const at::Tensor& a, const at::Tensor& b, double threshold);

}  // namespace reddiff
