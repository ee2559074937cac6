// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/warp.h"

#include <ATen/ATen.h>

namespace reddiff {
namespace {

// Column (or row) that every pixel points at, in pixels, [N,H,W].
at::Tensor target(const at::Tensor& flow, std::int64_t channel) {
  const at::Tensor f = flow.select(1, channel);
  const std::int64_t length = f.size(channel == 0 ? 2 : 1);
  const at::Tensor start = at::arange(length, f.options());
  return at::add(f, channel == 0 ? start : start.unsqueeze(1));
}

// Pixels -> the units of grid_sampler with align_corners=false, where -1 and 1 are the outer edges of the border pixels.
void normalise(at::Tensor out, const at::Tensor& pixels, std::int64_t length) {
  at::mul_out(out, pixels, at::scalar_tensor(2.0 / static_cast<double>(length), out.options().device(at::kCPU)));
  out.add_(1.0 / static_cast<double>(length) - 1.0);
}

}  // namespace

at::Tensor warp(const at::Tensor& picture, const at::Tensor& flow, WarpFilter filter) {
  TORCH_CHECK(picture.dim() == 4 && flow.dim() == 4 && flow.size(1) == 2 && flow.size(0) == picture.size(0) &&
                  flow.size(2) == picture.size(2) && flow.size(3) == picture.size(3),
              "picture and flow differ in size");
  const std::int64_t height = picture.size(2);
  const std::int64_t width = picture.size(3);
  at::Tensor grid = at::empty({picture.size(0), height, width, 2}, picture.options());
  normalise(grid.select(3, 0), target(flow, 0), width);
  normalise(grid.select(3, 1), target(flow, 1), height);
  constexpr int border = 1;  // at::native::GridSamplerPadding::Border
  const at::Tensor moved = at::grid_sampler_2d(picture, grid, filter == WarpFilter::bicubic ? 2 : 0, border, false);
  // The units of grid_sampler round positions to about 1e-4 pixels in wide pictures. What stands still must not be resampled,
  // frame after frame, at that little error.
  const at::Tensor still = (flow == 0).all(1, true);
  return at::where(still, picture, moved);
}

at::Tensor trusted_motion(const at::Tensor& backward, const at::Tensor& forward) {
  const at::Tensor returned = warp(forward, backward, WarpFilter::bilinear);
  const at::Tensor miss = (backward + returned).square_().sum(1, true);
  const at::Tensor length = (backward.square() + returned.square()).sum(1, true);
  const double right = static_cast<double>(backward.size(3)) - 0.5;
  const double bottom = static_cast<double>(backward.size(2)) - 0.5;
  const at::Tensor x = target(backward, 0).unsqueeze_(1);
  const at::Tensor y = target(backward, 1).unsqueeze_(1);
  at::Tensor trusted = miss <= length.mul_(0.01).add_(0.5);
  trusted.logical_and_(x >= -0.5).logical_and_(x <= right).logical_and_(y >= -0.5).logical_and_(y <= bottom);
  return trusted.to(backward.scalar_type());
}

}  // namespace reddiff
