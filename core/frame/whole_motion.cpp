// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/whole_motion.h"

#include <ATen/ATen.h>

#include <array>
#include <utility>
#include <vector>

namespace reddiff {
namespace {

// At full size, half and a quarter: by so much the error has to fall for a step to be plain. Of noise alone, whose error is the mean of 1024, 256
// and 64 squares, the best of all steps falls by less.
constexpr std::array<double, 3> plainly_less{1.15, 1.4, 3};
constexpr std::int64_t coarse = 3;        // of means of 4x4 pixels
constexpr double rounding_error = 1e-10;  // of a mean square: no motion of what is flat

// With its last row and column repeated up to this size.
at::Tensor extended(const at::Tensor& planes, std::int64_t height, std::int64_t width) {
  return at::replication_pad2d(planes, {0, width - planes.size(3), 0, height - planes.size(2)});
}

// Blocks of side_y x side_x pixels of planes [1,C,h,w] from where motion [2,rows,columns] says.
at::Tensor fetched(const at::Tensor& planes, const at::Tensor& motion, std::int64_t side_y, std::int64_t side_x) {
  const std::int64_t height = planes.size(2), width = planes.size(3);
  const auto of_pixels =
      motion.repeat_interleave(side_y, 1).repeat_interleave(side_x, 2).narrow(1, 0, height).narrow(2, 0, width);
  const auto y = (at::arange(height, motion.options()).unsqueeze(1) + of_pixels[0]).clamp_(0, height - 1);
  const auto x = (at::arange(width, motion.options()) + of_pixels[1]).clamp_(0, width - 1);
  return planes.flatten(2).index_select(2, (y * width + x).flatten()).view_as(planes);
}

// motion with the step of at most `range` pixels, for each block, that leaves the least error.
at::Tensor refined(const at::Tensor& now, const at::Tensor& before, const at::Tensor& motion, std::int64_t side,
                   std::int64_t range, double plainly) {
  std::vector<std::pair<std::int64_t, std::int64_t>> steps{{0, 0}};
  for (std::int64_t y = -range; y <= range; ++y)
    for (std::int64_t x = -range; x <= range; ++x)
      if (y != 0 || x != 0) steps.emplace_back(y, x);
  std::vector<at::Tensor> errors;
  std::vector<std::int64_t> down, right;
  for (const auto& [y, x] : steps) {
    const auto there = fetched(before, at::stack({motion[0] + y, motion[1] + x}), side, side);
    const auto error = at::avg_pool2d((now - there).square_(), {side, side});
    errors.push_back(errors.empty() ? error : error * plainly + rounding_error);
    down.push_back(y), right.push_back(x);
  }
  const auto best = at::cat(errors).argmin(0).squeeze(0);  // [rows,columns]
  const auto table = at::stack({at::tensor(down, at::kLong), at::tensor(right, at::kLong)}).to(best.device());
  return motion + table.index_select(1, best.flatten()).view_as(motion);
}

}  // namespace

WholeMotion::WholeMotion(const std::array<at::Tensor, 3>& now, const std::array<at::Tensor, 3>& before)
    : height_(now[0].size(2)), width_(now[0].size(3)) {
  const std::int64_t rows = (height_ + side - 1) / side, columns = (width_ + side - 1) / side;
  motion_ = at::zeros({2, rows, columns}, now[0].options().dtype(at::kLong));
  for (std::size_t size = now.size(); size-- > 0;) {
    const std::int64_t own_side = side >> size;
    const auto whole = [&](const at::Tensor& luma) { return extended(luma, rows * own_side, columns * own_side); };
    motion_ = refined(whole(now[size]), whole(before[size]), motion_, own_side, size + 1 == now.size() ? coarse : 1,
                      plainly_less[size]);
    if (size > 0) motion_ = motion_ * 2;
  }
}

at::Tensor WholeMotion::moved(const at::Tensor& before) const {
  const auto times = [](std::int64_t all, std::int64_t own) { return (all + own - 1) / own; };
  const std::int64_t y = times(height_, before.size(2)), x = times(width_, before.size(3));
  if (y == 1 && x == 1) return fetched(before, motion_, side, side);
  const auto own = at::stack({motion_[0].div(y, "floor"), motion_[1].div(x, "floor")});
  return fetched(before, own, side / y, side / x);
}

}  // namespace reddiff
