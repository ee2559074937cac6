// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whether noise that was estimated from one picture is there, by the word of the prior: what a denoiser takes away at this level has to
// be about that much, in the quieter half of the picture as well. Of detail, text or patterns it takes away little.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>

#include "core/frame/noise_estimate.h"

namespace reddiff {

// D(u, level): u [N,3,h,w], core units.
using Denoise = std::function<at::Tensor(const at::Tensor& u, double level)>;

// At which size noise looks densest: 0 where it is white, further on only while it rises. levels: NoiseEstimate::level. stay: the size of
// the frame before, which is left only where it is plain.
int densest_size(const std::array<double, noise_sizes>& levels, int stay = 0);

// What that level is; rising detail is not believed to be more than twice the size before.
double densest_level(const std::array<double, noise_sizes>& levels, int size);

// The largest size, from densest_size() on down, at which the prior agrees; none: there is no noise. Asks it about four crops at most.
std::optional<int> confirmed_size(const at::Tensor& picture, const std::array<double, noise_sizes>& levels,
                                  const Denoise& denoise);

}  // namespace reddiff
