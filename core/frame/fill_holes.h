// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A smooth first guess for missing pixels: from coarse to fine (push-pull), then relaxed towards the surface of least bending.
// It is where the mean of the solver starts; for scattered holes it is most of the answer.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

// picture: [N,C,H,W]; known: [N,1,H,W], 1 known, 0 missing. Known pixels are returned as they are; a picture without any known
// pixel becomes 0 (mid-grey).
at::Tensor fill_holes(const at::Tensor& picture, const at::Tensor& known);

// Its first half, from coarse to fine only: where a rough value will do, as for motion behind a logo.
at::Tensor fill_coarsely(const at::Tensor& picture, const at::Tensor& known);

}  // namespace reddiff
