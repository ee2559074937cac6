// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/fuse.h"

#include <ATen/ATen.h>

#include "core/frame/window.h"

namespace reddiff {
namespace {

constexpr double largest_weight = 0.18;
constexpr double evidence = 6;      // how fast an unexplained residual takes the weight away
constexpr double allowance = 1.05;  // of the noise's power, before a residual counts as unexplained

}  // namespace

FusedStart fuse(const at::Tensor& y, const at::Tensor& moved, double noise) {
  const double power = noise * noise;
  const auto difference = moved - y;
  const auto residual = window_mean(difference.square().mean(1, true), 7);
  const auto unexplained = (residual - allowance * power).clamp_min_(0);
  const auto variance = unexplained * evidence + power * (1 - largest_weight) / largest_weight;
  const auto weight = power / (variance + power);
  return {y + weight * difference, noise * (1 - weight).sqrt()};
}

}  // namespace reddiff
