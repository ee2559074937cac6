// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_blocks.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <vector>

#include "core/frame/exact_convolution.h"

namespace reddiff {
namespace {

constexpr std::int64_t side = 8;
constexpr double quiet_share = 0.1;
constexpr double code_value = 2.0 / 255;

// A block whose mean lies within two deviations of black or white has lost noise to clipping.
constexpr double safe_margin = 2;
constexpr double safest_share = 0.2;
constexpr int rounds = 4;  // the margin asks for the level, the level for the margin

// Expected mean of the lowest tenth of variance estimates from 64 nearly independent normal samples, over the true variance,
// for the filter below: measured on 512x512 white noise (tests/core/test_first_guess.cpp holds it to 3 %).
constexpr double quiet_bias = 0.527;

constexpr double constant = 1e-9;         // energy of a block without noise
constexpr double far_quieter = 1.0 / 16;  // in energy
constexpr double one_shade = 2 * code_value;
constexpr double most_of_strips = 0.45;  // of an axis

struct Block {
  float energy, mean, margin, detail;  // detail: energy of the picture, where `energy` is of a change
  int x, y;                            // in blocks
  bool operator<(const Block& other) const { return energy < other.energy; }
};

using Blocks = std::vector<Block>;

double deviation(double sum, double squares, double count) {
  return std::sqrt(std::max(0.0, squares / count - sum * sum / (count * count)));
}

// Lines from the border on that are one shade and far quieter than the middle one of all lines.
std::int64_t strip(const std::vector<float>& mean, const std::vector<float>& spread, bool from_end) {
  auto sorted = spread;
  std::nth_element(sorted.begin(), sorted.begin() + sorted.size() / 2, sorted.end());
  const double quiet = sorted[sorted.size() / 2] * std::sqrt(far_quieter);
  const auto count = static_cast<std::int64_t>(mean.size());
  const auto at = [&](std::int64_t i) { return static_cast<std::size_t>(from_end ? count - 1 - i : i); };
  std::int64_t lines = 0;
  while (lines < count && spread[at(lines)] < quiet && std::abs(mean[at(lines)] - mean[at(0)]) < one_shade) ++lines;
  return static_cast<double>(lines) > most_of_strips * static_cast<double>(count) ? 0 : lines;
}

std::vector<float> to_host(const at::Tensor& values) {
  const auto host = values.to(at::kCPU, at::kFloat).contiguous().flatten();
  return {host.data_ptr<float>(), host.data_ptr<float>() + host.numel()};
}

double mean_of_lowest(const Blocks& sorted, double margin, std::size_t count) {
  double sum = 0;
  std::size_t taken = 0;
  for (const auto& block : sorted) {
    if (block.margin < margin) continue;
    sum += block.energy;
    if (++taken == count) break;
  }
  return taken ? sum / static_cast<double>(taken) : 0;
}

// Of blocks in order of their energy.
double level_of(const Blocks& sorted) {
  if (sorted.empty()) return 0;
  std::vector<float> margins;
  for (const auto& block : sorted) margins.push_back(block.margin);
  const auto kth = margins.begin() +
                   std::max<std::ptrdiff_t>(
                       0, static_cast<std::ptrdiff_t>((1 - safest_share) * static_cast<double>(margins.size())) - 1);
  std::nth_element(margins.begin(), kth, margins.end());
  double level = 0;
  for (int round = 0; round < rounds; ++round) {
    const double margin = std::min(level * safe_margin, static_cast<double>(*kth));
    const auto safe = std::count_if(sorted.begin(), sorted.end(), [&](const Block& b) { return b.margin >= margin; });
    const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(quiet_share * static_cast<double>(safe)));
    level = std::sqrt(mean_of_lowest(sorted, margin, count) / quiet_bias);
  }
  return level;
}

int bin_of(double brightness) {
  return std::clamp(static_cast<int>((brightness + 1) / 2 * brightness_bins), 0, brightness_bins - 1);
}

// Of blocks in order; those near black and white, where noise of this level was clipped, say nothing.
NoiseCurve curve_of(const Blocks& sorted, double level) {
  constexpr std::size_t enough = 24;
  std::array<Blocks, brightness_bins> bins;
  for (const auto& block : sorted)
    if (block.margin >= safe_margin * level) bins[static_cast<std::size_t>(bin_of(block.mean))].push_back(block);
  NoiseCurve curve{};
  for (std::size_t i = 0; i < bins.size(); ++i) {
    if (bins[i].size() < enough) continue;
    const auto count =
        std::max<std::size_t>(3, static_cast<std::size_t>(quiet_share * static_cast<double>(bins[i].size())));
    curve[i] = std::sqrt(mean_of_lowest(bins[i], -1, count) / quiet_bias);
  }
  return curve;
}

// Without those that are quieter by far than the middle one, and their neighbours, if they are an inset: a rectangle of one shade, where
// the rest looks like noise, whose energies lie close together. In order; `planes` blocks lie above each other.
Blocks without_inset(Blocks sorted, std::int64_t planes) {
  if (sorted.empty()) return sorted;
  const float quiet = static_cast<float>(far_quieter) * sorted[sorted.size() / 2].energy;
  double sum = 0, squares = 0;
  std::size_t count = 0;
  int left = sorted[0].x, right = left, top = sorted[0].y, bottom = top;
  for (; count < sorted.size() && sorted[count].energy < quiet; ++count) {
    const auto& block = sorted[count];
    sum += block.mean;
    squares += static_cast<double>(block.mean) * block.mean;
    left = std::min(left, block.x), right = std::max(right, block.x);
    top = std::min(top, block.y), bottom = std::max(bottom, block.y);
  }
  const auto area = static_cast<double>(planes) * (right - left + 1) * (bottom - top + 1);
  const auto found = static_cast<double>(count);
  if (count == 0 || found < 0.9 * area || deviation(sum, squares, found) > one_shade) return sorted;
  Blocks rest;
  for (const auto& block : sorted)
    if (block.x < left - 1 || block.x > right + 1 || block.y < top - 1 || block.y > bottom + 1) rest.push_back(block);
  return rest.empty() || rest[rest.size() / 10].energy < 0.4F * rest[rest.size() / 2].energy ? sorted : rest;
}

// Of a change, blocks in order: NoiseVote::at_detail. Those with detail show more than twice what the quietest do, in energy four times;
// the half of them with most is asked, and of that the quarter that changed least: a part of the picture may well move.
double change_at_detail(const Blocks& sorted, double level) {
  constexpr double with_detail = 4, least_share = 0.02;
  constexpr std::size_t least = 12;
  std::vector<float> details;
  for (const auto& block : sorted) details.push_back(block.detail);
  std::sort(details.begin(), details.end());
  const auto tenth =
      std::max<std::size_t>(1, static_cast<std::size_t>(quiet_share * static_cast<double>(details.size())));
  const double quiet =
      std::accumulate(details.begin(), details.begin() + tenth, 0.0) / static_cast<double>(tenth) / quiet_bias;
  const double bound = with_detail * std::max(quiet, level * level);
  Blocks seen;
  std::copy_if(sorted.begin(), sorted.end(), std::back_inserter(seen),
               [&](const Block& b) { return b.detail > bound; });
  if (level == 0 ||
      seen.size() < std::max(least, static_cast<std::size_t>(least_share * static_cast<double>(sorted.size()))))
    return 0;
  std::stable_sort(seen.begin(), seen.end(), [](const Block& a, const Block& b) { return a.detail > b.detail; });
  seen.resize(std::max(least, seen.size() / 2));
  std::sort(seen.begin(), seen.end());
  return std::sqrt(seen[seen.size() / 4].energy) / level;
}

// Energy behind the filter, [C,1,h,w] of planes [1,C,H,W]. Second differences in both directions leave ramps and straight edges out; the
// filter has unit energy.
at::Tensor high_pass(const at::Tensor& planes) {
  const auto x = planes.transpose(0, 1);  // planes as batch
  const auto kernel = at::tensor({1., -2., 1., -2., 4., -2., 1., -2., 1.}, x.options()).div_(6).reshape({1, 1, 3, 3});
  return exact_conv2d(x, kernel).square_();
}

at::Tensor cells(const at::Tensor& values) { return at::avg_pool2d(values, {side, side}); }

// Those that may vote, in order. energy: high_pass() of what is looked at; detail: of the picture; planes: the picture, whose brightness
// counts.
Blocks voters(const at::Tensor& energy, const at::Tensor& detail, const at::Tensor& planes, const at::Tensor& known,
              bool constants_vote) {
  const auto inner = planes.transpose(0, 1).slice(2, 1, -1).slice(3, 1, -1);
  const auto box = inside_of_bars(planes);
  const auto mean = cells(inner);
  // Where the filter sees nothing but one end of the code values, or reaches a missing pixel.
  auto blocked = cells((inner.abs() > 1 - end_of_codes).logical_and_(energy < constant).to(at::kFloat));
  if (known.defined()) blocked = blocked + at::max_pool2d(at::max_pool2d(1 - known, {3, 3}, {1, 1}), {side, side});
  const auto host = to_host(at::stack({cells(energy), mean, blocked.expand_as(mean), cells(detail)}));
  const auto count = host.size() / 4;
  const auto columns = static_cast<std::size_t>(mean.size(3)), rows = static_cast<std::size_t>(mean.size(2));
  Blocks blocks;
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<int>(i % columns), y = static_cast<int>(i / columns % rows);
    const bool inside = y * side >= box.top && (y + 1) * side + 2 <= box.bottom && x * side >= box.left &&
                        (x + 1) * side + 2 <= box.right;
    if (!inside || host[2 * count + i] > 0 || !(constants_vote || host[i] > constant)) continue;
    blocks.push_back({host[i] > constant ? host[i] : 0.0F, host[count + i], 1 - std::abs(host[count + i]),
                      host[3 * count + i], x, y});
  }
  std::sort(blocks.begin(), blocks.end());
  return blocks;
}

NoiseVote vote(const Blocks& blocks, const at::Tensor& energy) {
  const auto all = energy.numel() / (side * side);
  const double level = level_of(blocks);
  return {level, static_cast<double>(blocks.size()) / static_cast<double>(std::max<std::int64_t>(1, all)), 0,
          !blocks.empty(), curve_of(blocks, level)};
}

}  // namespace

Box inside_of_bars(const at::Tensor& planes) {
  const auto shade = planes.size(1) == 1 ? planes[0][0] : planes[0].mean(0);
  const auto square = shade.square();
  Box box{0, 0, planes.size(2), planes.size(3)};
  for (const std::int64_t axis : {1, 0}) {
    const auto means = shade.mean(axis);
    const auto lines = at::stack({means, square.mean(axis).sub_(means.square()).clamp_min_(0).sqrt_()}).to(at::kCPU);
    const auto mean = to_host(lines[0]), spread = to_host(lines[1]);
    (axis == 1 ? box.top : box.left) += strip(mean, spread, false);
    (axis == 1 ? box.bottom : box.right) -= strip(mean, spread, true);
  }
  return box;
}

bool is_large_enough(std::int64_t height, std::int64_t width) {
  return (height - 2) / side * ((width - 2) / side) >= 12;
}

NoiseVote vote_on_noise(const at::Tensor& planes, const at::Tensor& known) {
  if (!is_large_enough(planes.size(2), planes.size(3))) return {};
  const auto energy = high_pass(planes);
  return vote(without_inset(voters(energy, energy, planes, known, true), planes.size(1)), energy);
}

NoiseVote vote_on_change(const at::Tensor& now, const at::Tensor& before, const at::Tensor& known) {
  if (!is_large_enough(now.size(2), now.size(3))) return {};
  const auto energy = high_pass(now - before).div_(2);
  const auto blocks = without_inset(voters(energy, high_pass(now), now, known, false), now.size(1));
  auto found = vote(blocks, energy);
  if (found.asked) found.at_detail = change_at_detail(blocks, found.level);
  return found;
}

}  // namespace reddiff
