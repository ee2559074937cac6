// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What several operators share: work that must give the same bits whatever else is in the batch, and the size check.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/api/error.h"

namespace reddiff {

// Image i of a batch as [1,...]; a batch of one serves every i, undefined stays undefined.
inline at::Tensor image(const at::Tensor& batch, std::int64_t i) {
  return !batch.defined() || batch.size(0) == 1 ? batch : batch.narrow(0, i, 1);
}

// cat(one(0), one(1), ...). Libraries choose kernels and split sums by the shape of their input, so only calls of equal shape
// repeat to the bit.
template <typename One> at::Tensor per_image(std::int64_t count, One one) {
  if (count == 1) return one(std::int64_t{0});
  std::vector<at::Tensor> results;
  for (std::int64_t i = 0; i < count; ++i) results.push_back(one(i));
  return at::cat(results, 0);
}

inline void require_multiple(const at::Tensor& x, std::int64_t factor) {
  if (x.size(2) % factor == 0 && x.size(3) % factor == 0 && x.size(2) > 0 && x.size(3) > 0) return;
  throw Error(ErrorCode::settings, "the operator reduces by " + std::to_string(factor) + " but the picture is " +
                                       std::to_string(x.size(3)) + "x" + std::to_string(x.size(2)) +
                                       "; crop or pad it to multiples of " + std::to_string(factor));
}

}  // namespace reddiff
