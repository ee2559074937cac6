// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How pictures become the channels of half their size and back, and what lies beyond their border.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace reddiff {

// x, its mirror image, x and so on along `dim`, `size` of them. Copies of the last line instead would be noise that is not white:
// the denoiser keeps it as streaks.
inline at::Tensor mirrored(at::Tensor x, std::int64_t dim, std::int64_t size) {
  while (x.size(dim) < size) {
    const std::int64_t more = std::min(size - x.size(dim), x.size(dim));
    x = at::cat({x, x.narrow(dim, x.size(dim) - more, more).flip(dim)}, dim);
  }
  return x;
}

// Channel order (colour, row, column) of a pixel shuffle -> (row, column, colour): then a shuffle in channels-last
// memory moves whole runs of channels. `dim` holds 4 x the colours.
inline at::Tensor shuffle_last(const at::Tensor& weight, std::int64_t dim) {
  std::vector<std::int64_t> split = weight.sizes().vec();
  const std::int64_t colours = split[dim] / 4;
  split[dim] = colours;
  split.insert(split.begin() + dim + 1, 4);
  return weight.view(split).transpose(dim, dim + 1).reshape(weight.sizes());
}

// [N,C,2h,2w], contiguous -> [N,4C,h,w], channels-last, in the order above.
inline at::Tensor unshuffle(const at::Tensor& x) {
  const std::int64_t n = x.size(0), c = x.size(1), h = x.size(2) / 2, w = x.size(3) / 2;
  return x.view({n, c, h, 2, w, 2}).permute({0, 2, 4, 3, 5, 1}).reshape({n, h, w, 4 * c}).permute({0, 3, 1, 2});
}

// [N,4C,h,w], channels-last -> a view with dimensions N,h,row,w,column,C of the picture twice as large.
inline at::Tensor shuffle_view(const at::Tensor& x) {
  const std::int64_t n = x.size(0), c = x.size(1) / 4, h = x.size(2), w = x.size(3);
  return x.permute({0, 2, 3, 1}).view({n, h, w, 2, 2, c}).permute({0, 1, 3, 2, 4, 5});
}

// picture += x, shuffled; in place where no gradient is recorded.
inline void add_shuffled(at::Tensor& picture, const at::Tensor& x) {
  const at::Tensor from = shuffle_view(x);
  const at::Tensor view = picture.permute({0, 2, 3, 1}).view(from.sizes());
  if (c10::GradMode::is_enabled())
    picture = (view + from).view({picture.size(0), picture.size(2), picture.size(3), -1}).permute({0, 3, 1, 2});
  else
    view.add_(from);
}

}  // namespace reddiff
