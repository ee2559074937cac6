// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/warp.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "core/temporal/warp_pixel.h"
#ifdef REDDIFF_CUDA
#include <c10/core/DeviceGuard.h>

#include "core/frame/cuda_stream.h"
#include "core/temporal/warp_cuda.h"
#endif

namespace reddiff {
namespace {

#ifdef REDDIFF_CUDA
constexpr bool has_kernel = true;
#else
constexpr bool has_kernel = false;
#endif

constexpr std::int64_t longest_side = 1 << 24;
constexpr std::int64_t pixels_per_task = 1 << 14;

void check(const at::Tensor& picture, const at::Tensor& flow) {
  TORCH_CHECK(picture.dim() == 4 && flow.dim() == 4 && flow.size(1) == 2 && flow.size(0) == picture.size(0) &&
                  flow.size(2) == picture.size(2) && flow.size(3) == picture.size(3),
              "picture and flow differ in size");
  TORCH_CHECK(picture.size(2) < longest_side && picture.size(3) < longest_side, "the picture is too large to warp");
  TORCH_CHECK(picture.device() == flow.device(), "picture and flow are on different devices");
}

template <int count, typename T> void warp_rows(const WarpPlanes<T>& first, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row) {
    const WarpPlanes<T> planes = image_planes(first, row / first.height);
    const auto y = static_cast<std::int32_t>(row % first.height);
    for (std::int32_t x = 0; x < first.width; ++x) warp_pixel<count>(planes, x, y);
  }
}

template <typename T> void warp_on_cpu(const WarpPlanes<T>& first, std::int64_t images, int taps) {
  const std::int64_t rows_per_task = std::max<std::int64_t>(1, pixels_per_task / std::max(1, first.width));
  at::parallel_for(0, images * first.height, rows_per_task, [&](std::int64_t begin, std::int64_t end) {
    taps == 4 ? warp_rows<4>(first, begin, end) : warp_rows<2>(first, begin, end);
  });
}

// All tensors contiguous, on the CPU or, if there is a kernel, on a GPU.
template <typename T> void run(const at::Tensor& picture, const at::Tensor& flow, at::Tensor& out, int taps) {
  const auto height = static_cast<std::int32_t>(picture.size(2)), width = static_cast<std::int32_t>(picture.size(3));
  const WarpPlanes<T> first{
      picture.const_data_ptr<T>(), flow.const_data_ptr<T>(), out.mutable_data_ptr<T>(), picture.size(1), height, width};
#ifdef REDDIFF_CUDA
  if (out.is_cuda()) {
    const c10::DeviceGuard guard(out.device());
    return warp_on_cuda(first, picture.size(0), taps, current_cuda_stream(out.device()));
  }
#endif
  warp_on_cpu(first, picture.size(0), taps);
}

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
  check(picture, flow);
  if (!picture.is_cpu() && !(picture.is_cuda() && has_kernel)) return warp_with_aten(picture, flow, filter);
  const at::Tensor from = picture.contiguous(), motion = flow.to(picture.scalar_type()).contiguous();
  at::Tensor out = at::empty_like(from, at::MemoryFormat::Contiguous);
  const int taps = filter == WarpFilter::bicubic ? 4 : 2;
  AT_DISPATCH_FLOATING_TYPES(picture.scalar_type(), "warp", [&] { run<scalar_t>(from, motion, out, taps); });
  return out;
}

at::Tensor warp_with_aten(const at::Tensor& picture, const at::Tensor& flow, WarpFilter filter) {
  check(picture, flow);
  const std::int64_t height = picture.size(2);
  const std::int64_t width = picture.size(3);
  // Far beyond the border is the border. In grid_sampler's units so large a number would keep no digits, and an infinite one
  // would make weights that are no numbers.
  const double limit = static_cast<double>(std::max(height, width)) + 4;
  const at::Tensor motion = at::nan_to_num(flow.to(picture.scalar_type()), 0, limit, -limit).clamp_(-limit, limit);
  at::Tensor grid = at::empty({picture.size(0), height, width, 2}, picture.options());
  normalise(grid.select(3, 0), target(motion, 0), width);
  normalise(grid.select(3, 1), target(motion, 1), height);
  constexpr int border = 1;  // at::native::GridSamplerPadding::Border
  const at::Tensor moved = at::grid_sampler_2d(picture, grid, filter == WarpFilter::bicubic ? 2 : 0, border, false);
  const at::Tensor still = (motion == 0).all(1, true);
  return at::where(still, picture, moved);
}

at::Tensor points_inside(const at::Tensor& flow) {
  const double right = static_cast<double>(flow.size(3)) - 0.5;
  const double bottom = static_cast<double>(flow.size(2)) - 0.5;
  const at::Tensor x = target(flow, 0).unsqueeze_(1);
  const at::Tensor y = target(flow, 1).unsqueeze_(1);
  return (x >= -0.5).logical_and_(x <= right).logical_and_(y >= -0.5).logical_and_(y <= bottom);
}

at::Tensor trusted_motion(const at::Tensor& backward, const at::Tensor& forward) {
  const at::Tensor returned = warp(forward, backward, WarpFilter::bilinear);
  const at::Tensor miss = (backward + returned).square_().sum(1, true);
  const at::Tensor length = (backward.square() + returned.square()).sum(1, true);
  const at::Tensor agreed = miss <= length.mul_(0.01).add_(0.5);
  return agreed.logical_and(points_inside(backward)).to(backward.scalar_type());
}

}  // namespace reddiff
