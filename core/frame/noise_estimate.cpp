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

double estimate_noise(const at::Tensor& picture, const at::Tensor& known) {
  if (picture.size(2) < 2 * block || picture.size(3) < 2 * block) return 0;
  // Second differences in both directions leave ramps and straight edges out; the filter has unit energy.
  const auto x = picture.transpose(0, 1);  // channels as batch
  const auto kernel = at::tensor({1., -2., 1., -2., 4., -2., 1., -2., 1.}, x.options()).div_(6).reshape({1, 1, 3, 3});
  const auto [energy, order] = at::avg_pool2d(exact_conv2d(x, kernel).square_(), {block, block}).flatten().sort();
  const auto inner = x.slice(2, 1, -1).slice(3, 1, -1);
  auto margins = 1 - at::avg_pool2d(inner, {block, block}).abs_();  // [C,1,h,w]
  auto alive = energy > 1e-9;  // blocks that clipped to a constant have no noise left to see
  if (known.defined()) {
    // As far as the filter reaches. What is not complete counts as clipped as well, so that it is not taken for the safest.
    const auto complete = at::max_pool2d(at::max_pool2d(1 - known, {3, 3}, {1, 1}), {block, block}) == 0;
    margins = at::where(complete, margins, -1.0);
    alive = alive.logical_and(complete.expand_as(margins).flatten().index_select(0, order));
  }
  const auto margin = margins.flatten().index_select(0, order);
  const auto blocks = margin.numel();
  const auto safest = std::get<0>(margin.kthvalue(
      std::max<std::int64_t>(1, static_cast<std::int64_t>((1 - safest_share) * static_cast<double>(blocks)))));

  // Everything stays on the device, so that a GPU is waited for once.
  auto level = at::zeros({}, energy.options());
  for (int i = 0; i < rounds; ++i) {
    const auto safe = alive.logical_and(margin >= at::minimum(level * safe_margin, safest));
    const auto count = safe.sum().mul(quiet_share).floor().clamp_min(1);
    const auto quietest = safe.logical_and(safe.cumsum(0) <= count).to(energy.scalar_type());
    level = ((energy * quietest).sum() / quietest.sum().clamp_min(1) / quiet_bias).sqrt();
  }
  return level.item<double>();
}

double estimate_noise(const FrameView& frame, const at::Tensor& picture, const at::Tensor& known) {
  if (frame.model != ColorModel::ycbcr) return estimate_noise(picture, known);
  const double kr = frame.matrix.kr, kb = frame.matrix.kb, kg = 1 - kr - kb;
  const auto [luma, luma_power] = luma_of(frame, picture);
  const double luma_level = estimate_noise(luma, known);
  const auto chroma = read_chroma_planes(frame, picture.device());
  // Too small to see noise in: as if it had been white.
  if (std::min(chroma.size(2), chroma.size(3)) < 2 * block) return luma_level / std::sqrt(luma_power);
  const double area = static_cast<double>(luma.numel()) / static_cast<double>(chroma.numel() / 2);
  const auto power_of = [](double own, double other, double third) {
    return ((1 - own) * (1 - own) + other * other + third * third) / (4 * (1 - own) * (1 - own));
  };
  const double chroma_power = (power_of(kr, kg, kb) + power_of(kb, kg, kr)) / 2;
  at::Tensor chroma_known;
  if (known.defined())
    chroma_known = 1 - std::get<0>(at::adaptive_max_pool2d(1 - known, {chroma.size(2), chroma.size(3)}));
  const double chroma_level = estimate_noise(chroma, chroma_known);
  return std::sqrt(luma_level * luma_level + (1 - luma_power) * area * chroma_level * chroma_level / chroma_power);
}

}  // namespace reddiff
