// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/evidence.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/frame/fill_holes.h"
#include "core/frame/step_runner.h"
#include "core/frame/window.h"

namespace reddiff {
namespace {

// Mean over the known pixels of a window; carried over from elsewhere where it holds less than a share `least` of them.
at::Tensor known_mean(const at::Tensor& x, const at::Tensor& known, std::int64_t side, double least) {
  const auto share = window_mean(known, side);
  const auto mean = window_mean(x * known, side) / share.clamp_min(1e-6);
  return fill_coarsely(mean, (share > least).to(x.dtype()));
}

// The variance of a picture in 5x5 pixels.
at::Tensor local_variance(const at::Tensor& x) {
  return window_mean((x - window_mean(x, 5)).square_().mean(1, true), 5);
}

}  // namespace

double own_share(const FilterConstants& constants, double slow_power) {
  return slow_power > 1 ? constants.own_of_correlated : 1;
}

at::Tensor motion_variance(const at::Tensor& single, const at::Tensor& moved, const at::Tensor& own, double caution) {
  const auto difference = window_mean((single - moved).square_().mean(1, true), 5);
  return (difference - own).clamp_min_(0).mul_(caution);
}

at::Tensor estimate_variance(const at::Tensor& single, double noise, const FilterConstants& constants,
                             double slow_power) {
  const double power = noise * noise, own = power * own_share(constants, slow_power);
  const auto detail = local_variance(single);
  const auto share = detail / (detail + constants.detail_of_noise * power);
  return share.mul_(constants.own_of_detail * own).add_(constants.own_of_flat * own);
}

at::Tensor drift(const at::Tensor& difference, const at::Tensor& known, std::int64_t cell, double noise,
                 const FilterConstants& constants, double slow_power) {
  constexpr std::int64_t cells = cells_of_drift_window;
  const auto height = difference.size(2), width = difference.size(3);
  const std::int64_t side = std::min({cell, height, width});
  const auto cells_of = [&](std::int64_t length) { return (length + side - 1) / side; };
  // One axis after the other: of large cells there are few, and a GPU would add each of them alone.
  const auto in_cells = [&](const at::Tensor& x) {
    if (side == 1) return x;
    const auto across = at::avg_pool2d(x, {1, side}, {1, side}, {0, 0}, true, false);
    return at::avg_pool2d(across, {side, 1}, {side, 1}, {0, 0}, true, false);
  };
  auto moments = at::cat({difference, difference.square().mean(1, true)}, 1);
  const auto pixels = static_cast<double>(cells * side * cells * side);
  // Windows shrink at the border.
  auto count = at::avg_pool2d(at::full({1, 1, cells_of(height), cells_of(width)}, pixels, moments.options()),
                              {cells, cells}, {1, 1}, {cells / 2, cells / 2}, false, true);
  if (known.defined()) {
    const auto share = in_cells(known);
    moments = known_mean(in_cells(moments * known) / share.clamp_min(1e-6), share, cells, 0.1);
    count = window_mean(share, cells).mul_(count).clamp_min_(1);
  } else {
    moments = window_mean(in_cells(moments), cells);
  }
  const auto mean = moments.narrow(1, 0, 3);
  const auto power = mean.square().mean(1, true);
  const auto variance = (moments.narrow(1, 3, 1) - power).clamp_min_(noise * noise);
  const auto by_chance = variance.div_(count).mul_(constants.doubt_of_drift * slow_power);
  const auto believed = (1 - by_chance / power.clamp_min(1e-12)).clamp_min_(0) * mean;
  return side == 1 ? believed : at::upsample_bilinear2d(believed, {height, width}, false);
}

at::Tensor drifted(const at::Tensor& x, const at::Tensor& target, double most, const at::Tensor& known,
                   std::int64_t cell, double noise, const FilterConstants& constants, double slow_power) {
  if (StepRunner::has_kernels(x.device()) && !known.defined())
    return drifted_by_steps(x, target, most, cell, noise, constants, slow_power);
  auto difference = target - x;
  if (std::isfinite(most)) difference.clamp_(-most, most);
  return x + drift(difference, known, cell, noise, constants, slow_power);
}

at::Tensor estimated_motion_variance(const at::Tensor& single, const at::Tensor& moved, double noise,
                                     const FilterConstants& constants, double slow_power) {
  if (StepRunner::has_kernels(single.device()))
    return motion_variance_by_steps(single, moved, noise, constants, slow_power);
  return motion_variance(single, moved, estimate_variance(single, noise, constants, slow_power), constants.caution);
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
  const double unseen = constants.detail_of_hole * constants.detail_of_hole;
  return (variance - noise * noise).clamp_min_(0).add_(unseen).div_(trust);
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
  return local_variance(initial).mul_(constants.lost_detail);
}

}  // namespace reddiff
