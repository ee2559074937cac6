// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/fill_holes.h"

#include <ATen/ATen.h>

#include <vector>

#include "core/api/abort.h"

namespace reddiff {
namespace {

// Scattered holes converge in about ten iterations; in large ones the coarse guess carries the low frequencies.
constexpr int smoothing_iterations = 16;

// Differences to the four neighbours, the border repeated.
at::Tensor laplacian(const at::Tensor& x) {
  const auto padded = at::replication_pad2d(x, {1, 1, 1, 1});
  const auto height = x.size(2), width = x.size(3);
  const auto shifted = [&](int row, int column) {
    return padded.slice(2, row, row + height).slice(3, column, column + width);
  };
  return (shifted(0, 1) + shifted(2, 1)).add_(shifted(1, 0)).add_(shifted(1, 2)).sub_(x, 4);
}

// Least bending: conjugate gradients on the squared Laplacian over the missing pixels, one step length per image.
at::Tensor least_bending(at::Tensor x, const at::Tensor& missing) {
  const auto dot = [](const at::Tensor& a, const at::Tensor& b) { return (a * b).sum({1, 2, 3}, true); };
  const auto apply = [&](const at::Tensor& v) { return laplacian(laplacian(v)).mul_(missing); };
  auto residual = apply(x).neg_();
  auto direction = residual.clone();
  auto energy = dot(residual, residual);
  for (int i = 0; i < smoothing_iterations; ++i) {
    throw_if_aborted();
    const auto curved = apply(direction);
    // The floor only matters once the residual is zero, when any step is as good.
    const auto length = energy / dot(direction, curved).clamp_min(1e-20);
    x.addcmul_(direction, length);
    residual.addcmul_(curved, length, -1);
    const auto next = dot(residual, residual);
    direction.mul_(next / energy.clamp_min(1e-20)).add_(residual);
    energy = next;
  }
  return x;
}

}  // namespace

at::Tensor fill_coarsely(const at::Tensor& picture, const at::Tensor& known) {
  throw_if_aborted();
  const auto height = picture.size(2), width = picture.size(3);
  const auto masked = picture * known;
  if (height == 1 && width == 1) return masked;
  const auto pad_rows = height % 2, pad_columns = width % 2;
  const auto even = at::constant_pad_nd(masked, {0, pad_columns, 0, pad_rows});
  const auto even_known = at::constant_pad_nd(known, {0, pad_columns, 0, pad_rows});
  const auto share = at::avg_pool2d(even_known, {2, 2});
  const auto coarse = at::avg_pool2d(even, {2, 2}) / share.clamp_min(1e-6);
  const auto filled = fill_coarsely(coarse, (share > 0).to(picture.dtype()));
  const auto fine = at::upsample_bilinear2d(filled, {even.size(2), even.size(3)}, false);
  return masked + (1 - known) * fine.slice(2, 0, height).slice(3, 0, width);
}

at::Tensor fill_holes(const at::Tensor& picture, const at::Tensor& known) {
  const auto guess = fill_coarsely(picture, known), missing = 1 - known;
  // Channel by channel: what the iterations touch then fits the cache at three times the size.
  std::vector<at::Tensor> channels;
  for (const auto& channel : guess.split(1, 1)) channels.push_back(least_bending(channel.contiguous(), missing));
  return at::cat(channels, 1);
}

}  // namespace reddiff
