// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A picture's impulses where it lies in a GPU's memory: only kinds of values and what is around a few of them cross to the host.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/frame/impulse.h"

namespace reddiff {

// As count_isolated(), without pairs. picture: [1,C,H,W], float32.
Census count_isolated_by_step(const at::Tensor& picture, std::int64_t first, std::int64_t step);

// A picture in host memory that is true around the values that are asked for and nowhere else.
class SparsePicture {
 public:
  // indices: of values of the picture, in any order.
  Planes around(const at::Tensor& picture, const std::vector<std::int64_t>& indices);

 private:
  std::vector<float> values_;
};

}  // namespace reddiff
