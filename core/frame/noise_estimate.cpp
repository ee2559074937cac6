// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_estimate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "core/frame/convert.h"
#include "core/frame/device_queue.h"
#include "core/frame/luma.h"

namespace reddiff {
namespace {

constexpr double agree = 1.15;

// Of every group of planes, how much at one size; `ballot` is asked for those that are large enough.
template <typename MakeBallot> NoiseEstimate estimate(const std::vector<NoisePlanes>& groups, MakeBallot&& ballot) {
  std::vector<Ballot> ballots;
  for (std::size_t size = 0; size < noise_sizes; ++size)
    for (std::size_t i = 0; i < groups.size(); ++i)
      ballots.push_back(groups[i].planes[size].defined() ? ballot(i, size) : Ballot{});
  const auto votes = counted(ballots);
  NoiseEstimate estimate;
  for (std::size_t size = 0; size < noise_sizes; ++size) {
    double largest = 0, together = 0, asked = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const NoiseVote& found = votes[size * groups.size() + i];
      if (!found.asked) continue;
      const double level = groups[i].gain * found.level * (1 << size);
      largest = std::max(largest, level);
      together += groups[i].power * level * level;
      asked += groups[i].power;
      if (size == 0 && i == 1) estimate.second = found.level;
      if (i == 0) estimate.own[size] = {found.level, found.at_detail, found.by_brightness};
      if (size == 0 && i == 0) estimate.share = found.share;
    }
    const double mean = asked > 0 ? std::sqrt(together / asked) : 0;
    estimate.mean[size] = mean;
    estimate.level[size] = largest > agree * mean ? largest : mean;
  }
  return estimate;
}

NoisePlanes at_sizes(const at::Tensor& planes, const at::Tensor& known, double gain, double power) {
  NoisePlanes all{{}, {}, gain, power};
  for (int size = 0; size < noise_sizes; ++size) {
    if (!is_large_enough(planes.size(2) >> size, planes.size(3) >> size)) break;
    const std::int64_t side = 1 << size;
    const auto k = static_cast<std::size_t>(size);
    all.planes[k] = size == 0 ? planes : at::avg_pool2d(planes, {side, side});
    if (known.defined()) all.known[k] = size == 0 ? known : 1 - at::max_pool2d(1 - known, {side, side});
  }
  return all;
}

// The smallest rectangle around what is true of [1,1,h,w], if that fills it and at most half of the picture: an inset.
std::optional<Box> filled_box(const at::Tensor& mask) {
  Awaited awaited(at::cat({mask.any(3).flatten(), mask.any(2).flatten(), mask.sum().view(1)}));  // [H + W + 1], int64
  const auto *rows = awaited.get().const_data_ptr<std::int64_t>(), *columns = rows + mask.size(2);
  const auto all = columns[mask.size(3)];
  if (all == 0) return {};
  const auto span = [](const std::int64_t* line, std::int64_t size) {
    return std::pair{std::find(line, line + size, 1) - line,
                     size - (std::find(std::reverse_iterator(line + size), std::reverse_iterator(line), 1) -
                             std::reverse_iterator(line + size))};
  };
  const auto [top, bottom] = span(rows, mask.size(2));
  const auto [left, right] = span(columns, mask.size(3));
  const Box box{top, left, bottom, right};
  const auto area = (box.bottom - box.top) * (box.right - box.left);
  const bool filled = all > area * 9 / 10;
  return filled && 2 * area < mask.numel() ? std::optional(box) : std::nullopt;
}

// Of each pixel and its eight neighbours, [.,.,H-2,W-2]: at::maximum or at::minimum.
template <typename Of> at::Tensor of_nine(const at::Tensor& x, Of&& of) {
  const auto of_three = [&](const at::Tensor& t, std::int64_t axis) {
    const auto length = t.size(axis) - 2;
    return of(of(t.narrow(axis, 0, length), t.narrow(axis, 1, length)), t.narrow(axis, 2, length));
  };
  return of_three(of_three(x, 2), 3);
}

}  // namespace

double rms_of(const std::array<double, noise_sizes>& levels, int size) {
  const double full = levels[0], half = levels[size > 0 ? 1 : 0], quarter = levels[static_cast<std::size_t>(size)];
  return std::sqrt(0.75 * full * half + 0.1875 * (half * half + quarter * quarter) / 2 + 0.0625 * quarter * quarter);
}

std::vector<NoisePlanes> noise_planes(const FrameView& frame, const at::Tensor& picture, const at::Tensor& known) {
  const auto [luma, luma_power] = luma_of(frame, picture);
  const double luma_gain = 1 / std::sqrt(luma_power);
  if (frame.model != ColorModel::ycbcr) return {at_sizes(picture, known, 1, 1), at_sizes(luma, known, luma_gain, 0)};
  const double kr = frame.matrix.kr, kb = frame.matrix.kb, kg = 1 - kr - kb;
  const auto chroma = read_chroma_planes(frame, picture.device());
  const double area = static_cast<double>(luma.numel()) / static_cast<double>(chroma.numel() / 2);
  // Of Cb and Cr, where that of R'G'B' is white and 1.
  const auto power_of = [](double own, double other, double third) {
    return ((1 - own) * (1 - own) + other * other + third * third) / (4 * (1 - own) * (1 - own));
  };
  const double chroma_power = (power_of(kr, kg, kb) + power_of(kb, kg, kr)) / 2;
  at::Tensor chroma_known;
  if (known.defined())
    chroma_known = 1 - std::get<0>(at::adaptive_max_pool2d(1 - known, {chroma.size(2), chroma.size(3)}));
  return {at_sizes(luma, known, luma_gain, luma_power),
          at_sizes(chroma, chroma_known, std::sqrt(area / chroma_power), 1 - luma_power)};
}

NoiseEstimate estimate_noise(const std::vector<NoisePlanes>& groups) {
  return estimate(groups, [&](std::size_t i, std::size_t size) {
    return ballot_on_noise(groups[i].planes[size], groups[i].known[size]);
  });
}

NoiseEstimate estimate_noise(const FrameView& frame, const at::Tensor& picture, const at::Tensor& known) {
  return estimate_noise(noise_planes(frame, picture, known));
}

NoiseEstimate estimate_noise(const at::Tensor& picture, const at::Tensor& known) {
  return estimate_noise({at_sizes(picture, known, 1, 1)});
}

NoiseEstimate estimate_change(const std::vector<NoisePlanes>& now, const std::vector<NoisePlanes>& before) {
  return estimate(now, [&](std::size_t i, std::size_t size) {
    return ballot_on_change(now[i].planes[size], before[i].planes[size], now[i].known[size]);
  });
}

ConstantShare constant_share(const NoisePlanes& of) {
  if (!of.planes[0].defined()) return {};
  const auto bounds = inside_of_bars(of.planes[0]);
  const auto rows = bounds.bottom - bounds.top, columns = bounds.right - bounds.left;
  if (std::min(rows, columns) < 3) return {};
  const auto picture = of.planes[0].narrow(2, bounds.top, rows).narrow(3, bounds.left, columns);
  const auto highest = of_nine(picture, [](const at::Tensor& a, const at::Tensor& b) { return at::maximum(a, b); });
  const auto lowest = of_nine(picture, [](const at::Tensor& a, const at::Tensor& b) { return at::minimum(a, b); });
  const auto constant = (highest - lowest < end_of_codes).all(1, true);
  const auto at_end = (at::maximum(highest, -lowest) >= 1 - end_of_codes).any(1, true);
  auto counts = at::ones_like(constant);
  if (of.known[0].defined()) {
    const auto known = of.known[0].narrow(2, bounds.top, rows).narrow(3, bounds.left, columns);
    counts = of_nine(known, [](const at::Tensor& a, const at::Tensor& b) { return at::minimum(a, b); }) > 0;
  }
  if (const auto box = filled_box(counts.logical_and(constant).logical_and(at_end.logical_not())))
    counts.narrow(2, box->top, box->bottom - box->top).narrow(3, box->left, box->right - box->left).fill_(false);
  const auto share = [&](const at::Tensor& which, const at::Tensor& all) {
    return counts.logical_and(which).logical_and(all).sum() / counts.logical_and(all).sum().clamp_min(1);
  };
  const auto shares = at::stack({share(constant.logical_and(at_end), at::ones_like(counts)),
                                 share(constant, at_end.logical_not()), counts.logical_and(at_end.logical_not()).any()})
                          .to(at::kDouble);
  Awaited awaited(shares);
  const double* read = awaited.get().const_data_ptr<double>();
  return {read[0], read[2] > 0 ? read[1] : 1};
}

}  // namespace reddiff
