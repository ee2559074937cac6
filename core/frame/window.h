// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/avg_pool2d.h>

#include <cstdint>

#include "core/api/abort.h"

namespace reddiff {

// [N,C,H,W]: the mean over a window of side x side pixels, side odd, that shrinks at the border. One axis after the other takes
// 2 side additions a pixel instead of side^2. The evidence of a large frame is a row of these, so here it asks whether to go on.
inline at::Tensor window_mean(const at::Tensor& x, std::int64_t side) {
  throw_if_aborted();
  const auto rows = at::avg_pool2d(x, {side, 1}, {1, 1}, {side / 2, 0}, false, false);
  return at::avg_pool2d(rows, {1, side}, {1, 1}, {0, side / 2}, false, false);
}

}  // namespace reddiff
