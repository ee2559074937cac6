// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A noisy measurement and the moved previous solution as one picture of less noise: where the denoiser starts on a frame with a
// past. The solution is itself the prior's work and wrong in the same places in every frame, so it is never weighed as heavily as
// its error would suggest: a fifth at most (measured on two clips at noise 10, 25 and 50: best between .15 and .2, worse than no
// memory from .35 on).
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

struct FusedStart {
  at::Tensor mu;     // [1,3,H,W]
  at::Tensor level;  // [1,1,H,W], standard deviation of what noise is left
};

// y: [1,3,H,W], H = identity, noise of deviation `noise` (core units). moved: [1,3,H,W]. A residual y - moved beyond
// the noise (occlusion, a border coming in, wrong motion) lowers the weight of `moved` pixel by pixel.
FusedStart fuse(const at::Tensor& y, const at::Tensor& moved, double noise);

}  // namespace reddiff
