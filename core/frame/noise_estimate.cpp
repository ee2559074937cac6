// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_estimate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/frame/exact_convolution.h"

namespace reddiff {
namespace {

constexpr std::int64_t block = 8;
constexpr double quiet_share = 0.1;

// Expected mean of the lowest tenth of variance estimates from 64 nearly independent normal samples, over the true variance,
// for the filter below: measured on 512x512 white noise (tests/core/test_first_guess.cpp holds it to 3 %).
constexpr double quiet_bias = 0.527;

}  // namespace

double estimate_noise(const at::Tensor& picture) {
  if (picture.size(2) < 2 * block || picture.size(3) < 2 * block) return 0;
  // Second differences in both directions leave ramps and straight edges out; the filter has unit energy.
  const auto x = picture.transpose(0, 1);  // channels as batch
  const auto kernel = at::tensor({1., -2., 1., -2., 4., -2., 1., -2., 1.}, x.options()).div_(6).reshape({1, 1, 3, 3});
  const auto energy = exact_conv2d(x, kernel).square_();
  const auto blocks = std::get<0>(at::avg_pool2d(energy, {block, block}).flatten().sort());
  // Blocks that clipped to a constant have no noise left to see.
  const auto alive = blocks.masked_select(blocks > 1e-9);
  if (alive.numel() == 0) return 0;
  const auto count = std::max<std::int64_t>(1, static_cast<std::int64_t>(quiet_share * alive.numel()));
  return std::sqrt(alive.slice(0, 0, count).mean().item<double>() / quiet_bias);
}

}  // namespace reddiff
