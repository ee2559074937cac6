// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace reddiff {

// [N,C,H,W]: the mean over a window of side x side pixels, side odd, that shrinks at the border. The evidence of a large frame is a row of
// these, so here it asks whether to go on.
at::Tensor window_mean(const at::Tensor& x, std::int64_t side);

// The same by WindowMeanStep, as a GPU does it. float32.
at::Tensor window_mean_by_step(const at::Tensor& x, std::int64_t side);

}  // namespace reddiff
