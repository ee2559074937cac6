// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The eight symmetries of the square. A natural picture turned or mirrored is as natural as before, the network's answer to it
// is a little different: using another symmetry at every step averages the network's own preferences away.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/priors/denoiser.h"

namespace reddiff {

// index 0 is the identity; any index is taken modulo 8. [N,C,H,W] -> [N,C,H,W] or [N,C,W,H].
at::Tensor apply_symmetry(const at::Tensor& picture, int index);
at::Tensor undo_symmetry(const at::Tensor& picture, int index);

// D(u, sigma) of the picture as that symmetry shows it, turned back. sigma: [1,1,1,1], or a level per pixel.
at::Tensor denoise_in_symmetry(const Denoiser& prior, const at::Tensor& u, const at::Tensor& sigma, int index);

}  // namespace reddiff
