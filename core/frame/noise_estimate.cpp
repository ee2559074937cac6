// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_estimate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/frame/convert.h"
#include "core/frame/exact_convolution.h"
#include "core/frame/luma.h"

namespace reddiff {
namespace {

constexpr std::int64_t block = 8;
constexpr double quiet_share = 0.1;

// A block whose mean lies within two deviations of black or white has lost noise to clipping. In a picture that is dark or
// bright all over, the fifth of its blocks that lies farthest from both must do.
constexpr double safe_margin = 2;
constexpr double safest_share = 0.2;
constexpr int rounds = 4;  // the margin asks for the level, the level for the margin

// Expected mean of the lowest tenth of variance estimates from 64 nearly independent normal samples, over the true variance,
// for the filter below: measured on 512x512 white noise (tests/core/test_first_guess.cpp holds it to 3 %).
constexpr double quiet_bias = 0.527;

}  // namespace

double estimate_noise(const at::Tensor& picture) {
  if (picture.size(2) < 2 * block || picture.size(3) < 2 * block) return 0;
  // Second differences in both directions leave ramps and straight edges out; the filter has unit energy.
  const auto x = picture.transpose(0, 1);  // channels as batch
  const auto kernel = at::tensor({1., -2., 1., -2., 4., -2., 1., -2., 1.}, x.options()).div_(6).reshape({1, 1, 3, 3});
  const auto [energy, order] = at::avg_pool2d(exact_conv2d(x, kernel).square_(), {block, block}).flatten().sort();
  const auto inner = x.slice(2, 1, -1).slice(3, 1, -1);
  const auto margin = (1 - at::avg_pool2d(inner, {block, block}).abs_()).flatten().index_select(0, order);
  const auto blocks = margin.numel();
  const auto safest = std::get<0>(margin.kthvalue(
      std::max<std::int64_t>(1, static_cast<std::int64_t>((1 - safest_share) * static_cast<double>(blocks)))));

  // Everything stays on the device, so that a GPU is waited for once.
  const auto alive = energy > 1e-9;  // blocks that clipped to a constant have no noise left to see
  auto level = at::zeros({}, energy.options());
  for (int i = 0; i < rounds; ++i) {
    const auto safe = alive.logical_and(margin >= at::minimum(level * safe_margin, safest));
    const auto count = safe.sum().mul(quiet_share).floor().clamp_min(1);
    const auto quietest = safe.logical_and(safe.cumsum(0) <= count).to(energy.scalar_type());
    level = ((energy * quietest).sum() / quietest.sum().clamp_min(1) / quiet_bias).sqrt();
  }
  return level.item<double>();
}

double estimate_noise(const FrameView& frame, const at::Tensor& picture) {
  if (frame.model != ColorModel::ycbcr) return estimate_noise(picture);
  const double kr = frame.matrix.kr, kb = frame.matrix.kb, kg = 1 - kr - kb;
  const auto [luma, luma_power] = luma_of(frame, picture);
  const double luma_level = estimate_noise(luma);
  const auto chroma = read_chroma_planes(frame, picture.device());
  // Too small to see noise in: as if it had been white.
  if (std::min(chroma.size(2), chroma.size(3)) < 2 * block) return luma_level / std::sqrt(luma_power);
  const double area = static_cast<double>(luma.numel()) / static_cast<double>(chroma.numel() / 2);
  const auto power_of = [](double own, double other, double third) {
    return ((1 - own) * (1 - own) + other * other + third * third) / (4 * (1 - own) * (1 - own));
  };
  const double chroma_power = (power_of(kr, kg, kb) + power_of(kb, kg, kr)) / 2;
  const double chroma_level = estimate_noise(chroma);
  return std::sqrt(luma_level * luma_level + (1 - luma_power) * area * chroma_level * chroma_level / chroma_power);
}

}  // namespace reddiff
