// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of motion share.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace reddiff {

inline at::Tensor constant_flow(std::int64_t height, std::int64_t width, double u, double v) {
  at::Tensor flow = at::empty({1, 2, height, width});
  flow.select(1, 0).fill_(u);
  flow.select(1, 1).fill_(v);
  return flow;
}

inline at::Tensor inside(const at::Tensor& t, std::int64_t border) {
  return t.narrow(2, border, t.size(2) - 2 * border).narrow(3, border, t.size(3) - 2 * border);
}

}  // namespace reddiff
