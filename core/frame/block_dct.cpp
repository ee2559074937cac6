// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/block_dct.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/frame/device_queue.h"

namespace reddiff {
namespace {

// rows * block * columns of every block.
at::Tensor transformed(const at::Tensor& plane, const at::Tensor& rows, const at::Tensor& columns) {
  const auto across = at::matmul(plane.reshape({-1, block_side}), columns);
  return at::matmul(rows, across.view({-1, block_side, plane.size(1)})).view(plane.sizes());
}

}  // namespace

at::Tensor block_basis(const at::Tensor& like) {
  std::vector<float> rows;
  for (int u = 0; u < block_side; ++u)
    for (int x = 0; x < block_side; ++x)
      rows.push_back(static_cast<float>(std::sqrt((u == 0 ? 1.0 : 2.0) / block_side) *
                                        std::cos(std::numbers::pi * u * (2 * x + 1) / (2 * block_side))));
  return put(at::tensor(rows).view({block_side, block_side}), like.options());
}

at::Tensor block_dct(const at::Tensor& plane) {
  const auto c = block_basis(plane);
  return transformed(plane, c, c.t());
}

at::Tensor inverse_block_dct(const at::Tensor& coefficients) {
  const auto c = block_basis(coefficients);
  return transformed(coefficients, c.t(), c);
}

}  // namespace reddiff
