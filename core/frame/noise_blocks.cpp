// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_blocks.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <utility>
#include <vector>

#include "core/frame/device_queue.h"
#include "core/frame/exact_convolution.h"
#include "core/frame/noise_by_steps.h"
#include "core/frame/noise_passes.h"
#include "core/frame/step_runner.h"

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

constexpr double far_quieter = 1.0 / 16;  // in energy
constexpr double one_shade = 2 * code_value;
constexpr double most_of_strips = 0.45;  // of an axis

// Of a plane: with more, every second in each direction is asked and so on, for sorting them is what a look at a large frame costs.
constexpr std::int64_t most_asked = 9000;

struct Block {
  float energy, mean, margin, detail;  // detail: energy of the picture, where `energy` is of a change
  int x, y;                            // among the blocks that are asked
};

using Blocks = std::vector<Block>;

// By energy. Floats that are not negative have the order of their bits: some bits after the others, lowest first, each time by counting.
Blocks sorted_by_energy(const Blocks& blocks) {
  constexpr int bits = 11, passes = 3;
  constexpr std::uint32_t buckets = 1U << bits;
  struct Place {
    std::uint32_t key, index;
  };
  std::vector<Place> places(blocks.size()), moved(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i)
    places[i] = {std::bit_cast<std::uint32_t>(blocks[i].energy), static_cast<std::uint32_t>(i)};
  for (int pass = 0; pass < passes; ++pass) {
    const auto bucket = [&](const Place& place) { return place.key >> (pass * bits) & (buckets - 1); };
    std::vector<std::uint32_t> next(buckets + 1, 0);
    for (const Place& place : places) ++next[bucket(place) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    for (const Place& place : places) moved[next[bucket(place)]++] = place;
    places.swap(moved);
  }
  Blocks sorted;
  sorted.reserve(blocks.size());
  for (const Place& place : places) sorted.push_back(blocks[place.index]);
  return sorted;
}

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

// Of [1,C,H,W], mean and spread of each row, then of each column.
at::Tensor lines_of(const at::Tensor& planes) {
  const auto shade = planes.size(1) == 1 ? planes[0][0] : planes[0].mean(0);
  std::vector<at::Tensor> lines;
  for (const std::int64_t axis : {1, 0}) {
    const auto [variance, mean] = at::var_mean(shade, at::IntArrayRef{axis}, /*correction=*/at::Scalar(0));
    lines.insert(lines.end(), {mean, variance.sqrt()});
  }
  return at::cat(lines).to(at::kFloat);
}

// lines: those of lines_of(), one after the other.
Box box_of(const float* lines, std::int64_t height, std::int64_t width) {
  Box box{0, 0, height, width};
  for (const bool is_row : {true, false}) {
    const auto count = is_row ? height : width;
    const std::vector<float> mean(lines, lines + count), spread(lines + count, lines + 2 * count);
    (is_row ? box.top : box.left) += strip(mean, spread, false);
    (is_row ? box.bottom : box.right) -= strip(mean, spread, true);
    lines += 2 * count;
  }
  return box;
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

// Blocks without the rectangle around those that are quieter than this, and its neighbours, if it is an inset: full of such blocks, of one
// shade, and what remains looks like noise, whose energies lie close together. No blocks: it is none.
Blocks beside_inset(const Blocks& sorted, float quiet, std::int64_t planes) {
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
  if (count == 0 || found < 0.9 * area || deviation(sum, squares, found) > one_shade) return {};
  Blocks rest;
  for (const auto& block : sorted)
    if (block.x < left - 1 || block.x > right + 1 || block.y < top - 1 || block.y > bottom + 1) rest.push_back(block);
  return rest.empty() || rest[rest.size() / 10].energy < 0.4F * rest[rest.size() / 2].energy ? Blocks{} : rest;
}

// Without an inset that is quieter by far than the middle one. By how much depends on the noise of both: each border is tried that lies well
// below what blocks of the same noise scatter to. In order; `planes` blocks lie above each other.
Blocks without_inset(Blocks sorted, std::int64_t planes) {
  if (sorted.empty()) return sorted;
  const float middle = sorted[sorted.size() / 2].energy;
  for (const double quiet : {far_quieter, 1.0 / 10, 1.0 / 7, 1.0 / 5}) {
    auto rest = beside_inset(sorted, static_cast<float>(quiet) * middle, planes);
    if (!rest.empty()) return rest;
  }
  return sorted;
}

// Of a change: NoiseVote::at_detail. Those with detail show more than twice what the quietest do, in energy four times;
// the half of them with most is asked, and of that the quarter that changed least: a part of the picture may well move.
double change_at_detail(const Blocks& sorted, double level) {
  constexpr double with_detail = 4, least_share = 0.02;
  constexpr std::size_t least = 12;
  if (sorted.empty() || level == 0) return 0;
  std::vector<float> details;
  for (const auto& block : sorted) details.push_back(block.detail);
  const auto tenth =
      std::max<std::ptrdiff_t>(1, static_cast<std::ptrdiff_t>(quiet_share * static_cast<double>(details.size())));
  std::nth_element(details.begin(), details.begin() + tenth - 1, details.end());
  const double quiet =
      std::accumulate(details.begin(), details.begin() + tenth, 0.0) / static_cast<double>(tenth) / quiet_bias;
  const double bound = with_detail * std::max(quiet, level * level);
  Blocks seen;
  std::copy_if(sorted.begin(), sorted.end(), std::back_inserter(seen),
               [&](const Block& b) { return b.detail > bound; });
  if (seen.size() < std::max(least, static_cast<std::size_t>(least_share * static_cast<double>(sorted.size()))))
    return 0;
  const auto half = seen.begin() + static_cast<std::ptrdiff_t>(std::max(least, seen.size() / 2)) - 1;
  std::nth_element(seen.begin(), half, seen.end(), [](const Block& a, const Block& b) { return a.detail > b.detail; });
  // Blocks come in the order of their energy, which choosing by detail has lost.
  const auto quarter = seen.begin() + (half + 1 - seen.begin()) / 4;
  std::nth_element(seen.begin(), quarter, half + 1, [](const Block& a, const Block& b) { return a.energy < b.energy; });
  return std::sqrt(quarter->energy) / level;
}

// Energy behind the filter, [C,1,h,w] of planes [1,C,H,W]. Second differences in both directions leave ramps and straight edges out; the
// filter has unit energy.
at::Tensor high_pass(const at::Tensor& planes) {
  const auto x = planes.transpose(0, 1);  // planes as batch
  const auto kernel = at::tensor({1., -2., 1., -2., 4., -2., 1., -2., 1.}, x.options().device(at::kCPU)).div_(6);
  return exact_conv2d(x, put(kernel.reshape({1, 1, 3, 3}), x.options())).square_();
}

at::Tensor means_of_blocks(const at::Tensor& values) { return at::avg_pool2d(values, {side, side}); }

// before: undefined, or planes whose difference is looked at.
Cells cells_of(const at::Tensor& planes, const at::Tensor& before) {
  if (lie_in_host_memory(planes)) return cells_on_host(planes, before);
  if (StepRunner::has_kernels(planes.device())) return cells_by_step(planes, before);
  const auto energy = before.defined() ? high_pass(planes - before).div_(2) : high_pass(planes);
  const auto inner = planes.transpose(0, 1).slice(2, 1, -1).slice(3, 1, -1);
  const auto at_end = (inner.abs() > 1 - end_of_codes).logical_and_(energy < constant_energy).to(at::kFloat);
  return {means_of_blocks(energy).squeeze(1), means_of_blocks(inner).squeeze(1), means_of_blocks(at_end).squeeze(1)};
}

const at::Tensor& lines_seen(const at::Tensor& planes, SeenInPlanes& seen) {
  if (!seen.lines.defined()) seen.lines = lie_in_host_memory(planes) ? lines_on_host(planes) : lines_of(planes);
  return seen.lines;
}

// Of blocks, their energy, mean, whether they may not vote and their detail; then lines. known: where the filter reaches a missing pixel
// blocks do not vote.
at::Tensor values_of(const Cells& cells, const at::Tensor& detail, const at::Tensor& lines, const at::Tensor& known) {
  auto blocked = cells.at_end;
  if (known.defined())
    blocked = blocked + 2 * at::max_pool2d(at::max_pool2d(1 - known, {3, 3}, {1, 1}), {side, side}).squeeze(1);
  std::vector<at::Tensor> values{cells.energy, cells.mean, blocked, detail, lines};
  for (auto& value : values) value = value.to(at::kFloat).flatten();
  return at::cat(values);
}

// The blocks of a plane, and which of them are asked: every `step`-th in each direction.
struct Lattice {
  std::int64_t rows, columns, step = 1;

  Lattice(std::int64_t height, std::int64_t width) : rows((height - 2) / side), columns((width - 2) / side) {
    while (asked() > most_asked) ++step;
  }
  std::int64_t asked() const { return ((rows + step - 1) / step) * ((columns + step - 1) / step); }
};

// Those that may vote, in order. values: of the ballot, on the host.
struct Voters {
  Blocks blocks;
  double at_ends = 0;  // NoiseVote::at_ends, of the blocks inside of bars in which no pixel is missing
};
Voters voters(const Ballot& ballot, const Lattice& lattice, const float* values) {
  const std::int64_t count = ballot.planes * lattice.rows * lattice.columns;
  const auto box = box_of(values + 4 * count, ballot.height, ballot.width);
  const float *energy = values, *mean = values + count, *blocked = values + 2 * count;
  const float* detail = values + 3 * count;
  Blocks blocks;
  double at_ends = 0, whole = 0;
  for (std::int64_t row = 0; row < ballot.planes * lattice.rows; ++row) {
    const std::int64_t y = row % lattice.rows;
    if (y % lattice.step != 0 || y * side < box.top || (y + 1) * side + 2 > box.bottom) continue;
    for (std::int64_t x = 0; x < lattice.columns; x += lattice.step) {
      if (x * side < box.left || (x + 1) * side + 2 > box.right) continue;
      const std::int64_t i = row * lattice.columns + x;
      if (blocked[i] <= 1) at_ends += blocked[i], ++whole;
      if (blocked[i] > 0 || !(ballot.constants_vote || energy[i] > constant_energy)) continue;
      blocks.push_back({energy[i] > constant_energy ? energy[i] : 0.0F, mean[i], 1 - std::abs(mean[i]), detail[i],
                        static_cast<int>(x / lattice.step), static_cast<int>(y / lattice.step)});
    }
  }
  return {sorted_by_energy(blocks), whole > 0 ? at_ends / whole : 0};
}

NoiseVote vote_of(const Ballot& ballot, const float* values) {
  const Lattice lattice(ballot.height, ballot.width);
  auto asked = voters(ballot, lattice, values);
  const auto blocks = without_inset(std::move(asked.blocks), ballot.planes);
  const auto all = ballot.planes * lattice.asked();
  const double level = level_of(blocks);
  const double at_detail = ballot.constants_vote ? 0 : change_at_detail(blocks, level);
  return {level,         static_cast<double>(blocks.size()) / static_cast<double>(std::max<std::int64_t>(1, all)),
          at_detail,     !blocks.empty(),
          asked.at_ends, curve_of(blocks, level)};
}

}  // namespace

Box inside_of_bars(const at::Tensor& planes, SeenInPlanes* seen) {
  SeenInPlanes own;
  Awaited awaited(lines_seen(planes, seen ? *seen : own));
  return box_of(awaited.get().const_data_ptr<float>(), planes.size(2), planes.size(3));
}

bool is_large_enough(std::int64_t height, std::int64_t width) {
  return (height - 2) / side * ((width - 2) / side) >= 12;
}

Ballot ballot_on_noise(const at::Tensor& planes, const at::Tensor& known, SeenInPlanes* seen) {
  if (!is_large_enough(planes.size(2), planes.size(3))) return {};
  SeenInPlanes own;
  SeenInPlanes& kept = seen ? *seen : own;
  const Cells cells = cells_of(planes, {});
  kept.energy = cells.energy;
  return {values_of(cells, cells.energy, lines_seen(planes, kept), known), planes.size(1), planes.size(2),
          planes.size(3), true};
}

Ballot ballot_on_change(const at::Tensor& now, const at::Tensor& before, const at::Tensor& known, SeenInPlanes* seen) {
  if (!is_large_enough(now.size(2), now.size(3))) return {};
  SeenInPlanes own;
  SeenInPlanes& kept = seen ? *seen : own;
  if (!kept.energy.defined()) kept.energy = cells_of(now, {}).energy;
  return {values_of(cells_of(now, before), kept.energy, lines_seen(now, kept), known), now.size(1), now.size(2),
          now.size(3), false};
}

std::vector<NoiseVote> counted(const std::vector<Ballot>& ballots) {
  std::vector<at::Tensor> all;
  for (const Ballot& one : ballots)
    if (one.values.defined()) all.push_back(one.values);
  std::vector<NoiseVote> votes(ballots.size());
  if (all.empty()) return votes;
  Awaited awaited(at::cat(all));
  std::vector<const float*> values;
  const float* next = awaited.get().const_data_ptr<float>();
  for (const Ballot& one : ballots) {
    values.push_back(next);
    if (one.values.defined()) next += one.values.numel();
  }
  at::parallel_for(0, static_cast<std::int64_t>(ballots.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      if (ballots[i].values.defined()) votes[i] = vote_of(ballots[i], values[i]);
  });
  return votes;
}

NoiseVote vote_on_noise(const at::Tensor& planes, const at::Tensor& known) {
  return counted({ballot_on_noise(planes, known)}).front();
}

NoiseVote vote_on_change(const at::Tensor& now, const at::Tensor& before, const at::Tensor& known) {
  return counted({ballot_on_change(now, before, known)}).front();
}

}  // namespace reddiff
