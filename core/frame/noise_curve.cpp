// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_curve.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/frame/device_queue.h"
#include "core/frame/window.h"

namespace reddiff {
namespace {

constexpr double kept = 0.9;
constexpr double largest_factor = 4;
constexpr double enough_difference = 1.5;  // of the largest factor over the smallest

}  // namespace

void BrightnessCurve::learn(const OwnNoise& alone, const OwnNoise& change) {
  const double level = std::min(alone.level, change.level);
  if (level <= 0) return;
  for (std::size_t i = 0; i < brightness_bins; ++i) {
    sum_[i] *= kept;
    weight_[i] *= kept;
    const double here = std::min(alone.by_brightness[i], change.by_brightness[i]);
    if (here <= 0) continue;
    sum_[i] += std::log(std::clamp(here / level, 1 / largest_factor, largest_factor));
    weight_[i] += 1;
  }
}

// A brightness that was not seen is as the nearest that was.
NoiseCurve BrightnessCurve::filled() const {
  NoiseCurve curve;
  for (int i = 0; i < brightness_bins; ++i) {
    int nearest = -1;
    for (int j = 0; j < brightness_bins; ++j)
      if (weight_[static_cast<std::size_t>(j)] > 0 && (nearest < 0 || std::abs(j - i) < std::abs(nearest - i)))
        nearest = j;
    const auto from = static_cast<std::size_t>(nearest);
    curve[static_cast<std::size_t>(i)] = nearest < 0 ? 1 : std::exp(sum_[from] / weight_[from]);
  }
  return curve;
}

bool BrightnessCurve::matters() const {
  const auto curve = filled();
  const auto [low, high] = std::minmax_element(curve.begin(), curve.end());
  return *high > enough_difference * *low;
}

at::Tensor BrightnessCurve::factor(const at::Tensor& picture) const {
  const auto curve = filled();
  const auto table = put(at::tensor(at::ArrayRef<double>(curve.data(), curve.size()), at::kDouble), picture.options());
  const auto brightness = window_mean(picture.mean(1, true), 5);
  // Parts are known by their middles; linear in between.
  const auto place = brightness.add(1).mul_(brightness_bins / 2.0).sub_(0.5).clamp_(0, brightness_bins - 1);
  const auto left = place.floor().clamp_max_(brightness_bins - 2);
  const auto index = at::nan_to_num(left).to(at::kLong);
  return at::lerp(at::take(table, index), at::take(table, index + 1), place - left);
}

}  // namespace reddiff
