// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What drawn pictures have and those of cameras do not: pixels that repeat to the code value, and hard edges. Counted in cells of 16x16
// pixels, the last ones of a row or column smaller. luma: [1,1,h,w], core units. Leaves [1,3,h/16,w/16], rounded up: the shares of the pixels
//   0: that equal those one away, or those two away, on all four sides: in what is plain, and where every second pixel is alike
//   1, 2: of whose 3x3 neighbours the brightest is more than 30 or 60 code values above the darkest.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

// The definition, and what a GPU runs.
at::Tensor drawing_by_operators(const at::Tensor& luma);

// The same in one pass over a picture in host memory.
at::Tensor drawing_on_host(const at::Tensor& luma);

at::Tensor drawing(const at::Tensor& luma);

}  // namespace reddiff
