// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/evidence.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/frame/fill_holes.h"
#include "core/temporal/window.h"

namespace reddiff {
namespace {

// Mean over the known pixels of a window; carried over from elsewhere where it holds less than a share `least` of them.
at::Tensor known_mean(const at::Tensor& x, const at::Tensor& known, std::int64_t side, double least) {
  const auto share = window_mean(known, side);
  const auto mean = window_mean(x * known, side) / share.clamp_min(1e-6);
  return fill_coarsely(mean, (share > least).to(x.dtype()));
}

}  // namespace

at::Tensor motion_variance(const at::Tensor& single, const at::Tensor& moved, double own, double caution) {
  const auto difference = window_mean((single - moved).square_().mean(1, true), 5);
  return (difference - own).clamp_min_(0).mul_(caution);
}

at::Tensor lighting_change(const at::Tensor& single, const at::Tensor& moved, double noise,
                           const FilterConstants& constants) {
  const auto height = single.size(2), width = single.size(3);
  const std::int64_t cell = std::min<std::int64_t>({8, height, width});
  const auto change = window_mean(at::avg_pool2d(single - moved, {cell, cell}, {cell, cell}, {0, 0}, true), 3);
  const double own = noise / constants.share_of_light;
  const auto believed = (1 - own * own / change.square().clamp_min(1e-12)).clamp_min_(0).mul_(change);
  return at::upsample_bilinear2d(believed, {height, width}, false);
}

at::Tensor motion_variance_around(const at::Tensor& residual, const at::Tensor& known, double noise,
                                  const FilterConstants& constants) {
  const auto energy = residual.square().mean(1, true);
  // The wide window is sure of what it sees, the near one sees where motion parts.
  const auto wide = (known_mean(energy, known, 9, 0.1) - noise * noise).mul_(constants.share_of_residual);
  const auto near = (known_mean(energy, known, 3, 0.1) - noise * noise).mul_(constants.share_of_near);
  return at::maximum(wide, near).clamp_min_(0);
}

at::Tensor hole_variance(const at::Tensor& y, const at::Tensor& known, double noise, const FilterConstants& constants) {
  const auto moments = known_mean(at::cat({y, y.square()}, 1), known, 7, 0.15);
  const auto variance = (moments.narrow(1, 3, 3) - moments.narrow(1, 0, 3).square()).mean(1, true);
  const auto share = window_mean(known, 5);
  const auto trust = share * constants.hole_slope + constants.hole_offset;
  return ((variance - noise * noise).clamp_min_(0) / trust).add_(constants.floor_of_hole * constants.floor_of_hole);
}

at::Tensor motion_variance_behind(const at::Tensor& residual, const at::Tensor& known, std::int64_t height,
                                  std::int64_t width, double noise, const FilterConstants& constants) {
  const auto missed = residual.square().mean(1, true);
  const auto energy = known.defined() ? known_mean(missed, known, 3, 0.1) : window_mean(missed, 3);
  auto wrong = (energy - noise * noise).clamp_min_(0).mul_(constants.share_of_miss);
  if (known.defined())
    wrong = at::where(known > 0, wrong,
                      constants.unseen_in_rows * motion_variance_around(residual, known, noise, constants));
  return at::upsample_bilinear2d(wrong, {height, width}, false);
}

at::Tensor lost_variance(const at::Tensor& initial, const FilterConstants& constants) {
  return window_mean((initial - window_mean(initial, 5)).square_().mean(1, true), 5).mul_(constants.lost_detail);
}

}  // namespace reddiff
