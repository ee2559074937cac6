// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_estimate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <optional>
#include <utility>

#include "core/frame/convert.h"
#include "core/frame/device_queue.h"
#include "core/frame/luma.h"
#include "core/frame/noise_by_steps.h"
#include "core/frame/noise_passes.h"
#include "core/frame/step_runner.h"

namespace reddiff {
namespace {

constexpr double agree = 1.15;
constexpr double most_lost_to_halving = 1.2;  // of white noise, by longer filters than the mean of 2x2 pixels
constexpr double most_rise = 16;              // of a spectrum that says next to nothing at full size
constexpr double over_grey =
    1.3;  // blotches of Cb and Cr come to 1.7 of what they are in grey; what moves is less in colours
constexpr std::uint8_t not_counted = 4;  // beside what flatness_on_host() says

// What the estimate reads in means of 2^size x 2^size pixels, of noise of this power by frequency, [bins,bins] of float32.
double level_in_means(const at::Tensor& power, std::size_t size) {
  constexpr std::int64_t bins = NoiseSpectrum::bins;
  const float* at_frequency = power.const_data_ptr<float>();
  // Along one axis: the mean of `side` pixels, `side` times its level, behind the second difference of what is left.
  std::array<double, bins> seen{};
  const double side = std::exp2(static_cast<double>(size));
  for (std::int64_t bin = 0; bin < bins; ++bin) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(bin) / NoiseSpectrum::window;
    const double mean = bin == 0 ? 1 : std::sin(side * angle / 2) / (side * std::sin(angle / 2));
    const double signs = bin == 0 || bin == bins - 1 ? 1 : 2;
    seen[static_cast<std::size_t>(bin)] = signs * side * std::pow(mean * (1 - std::cos(side * angle)), 2);
  }
  double sum = 0, of_white = 0;
  for (std::size_t y = 0; y < bins; ++y)
    for (std::size_t x = 0; x < bins; ++x) {
      sum += at_frequency[y * bins + x] * seen[y] * seen[x];
      of_white += seen[y] * seen[x];
    }
  return std::sqrt(sum / of_white);
}

// The root of the mean of squares, by their parts.
struct PowerMean {
  double squares = 0, parts = 0;
  void add(double level, double part) { squares += part * level * level, parts += part; }
  double level() const { return parts > 0 ? std::sqrt(squares / parts) : 0; }
};

// What the groups of planes voted for, by the picture's sizes.
class Votes {
 public:
  Votes(const std::vector<NoisePlanes>& groups, std::vector<NoiseVote> votes)
      : groups_(groups), votes_(std::move(votes)) {}

  // At the size itself, or the finest that the planes have.
  const NoiseVote& of(std::size_t group, std::size_t size) const {
    return votes_[std::max(size, groups_[group].finest) * groups_.size() + group];
  }

  double level(std::size_t group, std::size_t size) const {
    const std::size_t finest = groups_[group].finest;
    return size < finest ? finer(group, size) : groups_[group].gain * of(group, size).level * (1 << (size - finest));
  }

 private:
  // What halved planes cannot show of finer noise is to what they show as it is in the first group. They had it before they were halved, by
  // a filter that nobody tells.
  double finer(std::size_t group, std::size_t size) const {
    const std::size_t finest = groups_[group].finest;
    const double first = level(0, size), first_there = level(0, finest);
    const double finer = level(group, finest) * (first_there > 0 ? std::min(1.0, first / first_there) : 1);
    return finer < first ? std::min(first, most_lost_to_halving * finer) : finer;
  }

  const std::vector<NoisePlanes>& groups_;
  std::vector<NoiseVote> votes_;
};

// Of every group of planes, how much at each size of the picture. `ballot` is asked, by the planes' own size, for those that are large
// enough.
template <typename MakeBallot> NoiseEstimate estimate(const std::vector<NoisePlanes>& groups, MakeBallot&& ballot) {
  std::vector<Ballot> ballots;
  for (std::size_t size = 0; size < noise_sizes; ++size)
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool has_planes = size >= groups[i].finest && groups[i].planes[size - groups[i].finest].defined();
      ballots.push_back(has_planes ? ballot(i, size - groups[i].finest) : Ballot{});
    }
  const Votes votes(groups, counted(ballots));
  NoiseEstimate estimate;
  for (std::size_t size = 0; size < noise_sizes; ++size) {
    double largest = 0;
    PowerMean all, if_white, seen;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const NoiseVote& found = votes.of(i, size);
      if (!found.asked) continue;
      const double level = votes.level(i, size);
      if_white.add(level, groups[i].power);
      all.add(size < groups[i].finest ? 0 : level, groups[i].power);
      if (i == 1 && size == groups[i].finest) estimate.second = found.level;
      if (i == 0) estimate.own[size] = {found.level, found.at_detail, found.by_brightness};
      if (size == 0 && i == 0) estimate.share = found.share, estimate.at_ends = found.at_ends;
      if (size < groups[i].finest) continue;
      seen.add(level, groups[i].power);
      largest = std::max(largest, level);
    }
    estimate.mean[size] = all.level();
    if (size == 0) estimate.mean_if_white = if_white.level();
    estimate.level[size] = largest > agree * seen.level() ? largest : seen.level();
  }
  return estimate;
}

// Means of 2x2 pixels; those of means are those of larger squares.
at::Tensor halved(const at::Tensor& planes) {
  return lie_in_host_memory(planes) ? halved_on_host(planes) : at::avg_pool2d(planes, {2, 2});
}

NoisePlanes at_sizes(const at::Tensor& planes, const at::Tensor& known, double gain, double power,
                     std::size_t finest = 0) {
  NoisePlanes all{{}, {}, {}, gain, power, finest};
  for (int size = 0; size < noise_sizes - static_cast<int>(finest); ++size) {
    if (!is_large_enough(planes.size(2) >> size, planes.size(3) >> size)) break;
    const std::int64_t side = 1 << size;
    const auto k = static_cast<std::size_t>(size);
    all.planes[k] = size == 0 ? planes : halved(all.planes[k - 1]);
    all.seen[k] = std::make_shared<SeenInPlanes>();
    if (known.defined()) all.known[k] = size == 0 ? known : 1 - at::max_pool2d(1 - known, {side, side});
  }
  return all;
}

// The smallest rectangle around what is counted by `rows` and `columns`, `all` together, if that fills it and at most half of the picture:
// an inset.
std::optional<Box> filled_box(const std::int64_t* rows, std::int64_t height, const std::int64_t* columns,
                              std::int64_t width, std::int64_t all) {
  if (all == 0) return {};
  const auto span = [](const std::int64_t* line, std::int64_t size) {
    const auto some = [](std::int64_t count) { return count > 0; };
    const auto last = std::find_if(std::reverse_iterator(line + size), std::reverse_iterator(line), some);
    return std::pair{std::find_if(line, line + size, some) - line, last.base() - line};
  };
  const auto [top, bottom] = span(rows, height);
  const auto [left, right] = span(columns, width);
  const Box box{top, left, bottom, right};
  const auto area = (box.bottom - box.top) * (box.right - box.left);
  return all > area * 9 / 10 && 2 * area < height * width ? std::optional(box) : std::nullopt;
}

// The same of what is true of [1,1,h,w].
std::optional<Box> filled_box(const at::Tensor& mask) {
  const auto height = mask.size(2), width = mask.size(3);
  Awaited awaited(at::cat({mask.any(3).flatten(), mask.any(2).flatten(), mask.sum().view(1)}));  // [h + w + 1], int64
  const auto* counts = awaited.get().const_data_ptr<std::int64_t>();
  return filled_box(counts, height, counts + height, width, counts[height + width]);
}

ConstantShare share_of(const std::array<std::int64_t, 4>& found) {
  const auto all = found[0] + found[1] + found[2] + found[3], not_at_end = found[0] + found[is_flat];
  const auto share = [](std::int64_t some, std::int64_t of) {
    return static_cast<double>(some) / static_cast<double>(std::max<std::int64_t>(1, of));
  };
  return {share(found[is_flat | is_at_end], all), not_at_end > 0 ? share(found[is_flat], not_at_end) : 1};
}

// constant_share() of planes without bars. counts: [1,1,h-2,w-2], which pixels do; undefined if all.
ConstantShare share_on_host(const at::Tensor& picture, const at::Tensor& counts) {
  const auto flatness = flatness_on_host(picture);
  if (counts.defined()) flatness.masked_fill_(counts.view(flatness.sizes()).logical_not(), not_counted);
  const std::int64_t height = flatness.size(0), width = flatness.size(1);
  const auto* states = flatness.const_data_ptr<std::uint8_t>();
  // How many there are of each state: of all rows, and of the part of them that lies in a box.
  std::vector<std::int64_t> rows(height), columns(width);
  std::vector<std::int32_t> in_column(width);
  std::int64_t inside = 0;
  for (std::int64_t y = 0; y < height; ++y) {
    std::int32_t in_row = 0;
    for (std::int64_t x = 0; x < width; ++x) {
      const std::int32_t plain = states[y * width + x] == is_flat;
      in_row += plain;
      in_column[x] += plain;
    }
    rows[y] = in_row;
    inside += in_row;
  }
  std::copy(in_column.begin(), in_column.end(), columns.begin());
  if (const auto box = filled_box(rows.data(), height, columns.data(), width, inside))
    flatness.slice(0, box->top, box->bottom).slice(1, box->left, box->right).fill_(not_counted);
  std::array<std::int64_t, 4> found{};  // by state
  for (std::int64_t y = 0; y < height; ++y) {
    std::array<std::int32_t, 4> in_row{};
    for (std::int64_t x = 0; x < width; ++x)
      for (std::int32_t state = 0; state < 4; ++state) in_row[state] += states[y * width + x] == state;
    for (std::size_t state = 0; state < 4; ++state) found[state] += in_row[state];
  }
  return share_of(found);
}

// Of each pixel and its eight neighbours, [.,.,H-2,W-2]: at::maximum or at::minimum.
template <typename Of> at::Tensor of_nine(const at::Tensor& x, Of&& of) {
  const auto of_three = [&](const at::Tensor& t, std::int64_t axis) {
    const auto length = t.size(axis) - 2;
    return of(of(t.narrow(axis, 0, length), t.narrow(axis, 1, length)), t.narrow(axis, 2, length));
  };
  return of_three(of_three(x, 2), 3);
}

// The same with one look at the device, or two where there is an inset.
ConstantShare share_by_step(const at::Tensor& picture, const at::Tensor& counts) {
  const auto flatness = flatness_by_step(picture, counts, not_counted);
  const std::int64_t height = flatness.size(0), width = flatness.size(1);
  const auto states = [&] {
    std::vector<at::Tensor> sums;
    for (int state = 0; state < 4; ++state) sums.push_back((flatness == state).sum().view(1));
    return sums;
  };
  const auto plain = flatness == static_cast<int>(is_flat);
  auto sums = states();
  sums.insert(sums.end(), {plain.sum(1), plain.sum(0)});
  Awaited awaited(at::cat(sums));  // [4 + h + w], int64
  const auto* counted = awaited.get().const_data_ptr<std::int64_t>();
  std::array<std::int64_t, 4> found{};
  std::copy(counted, counted + 4, found.begin());
  if (const auto box = filled_box(counted + 4, height, counted + 4 + height, width, found[is_flat])) {
    flatness.slice(0, box->top, box->bottom).slice(1, box->left, box->right).fill_(not_counted);
    Awaited rest(at::cat(states()));
    const auto* left = rest.get().const_data_ptr<std::int64_t>();
    std::copy(left, left + 4, found.begin());
  }
  return share_of(found);
}

ConstantShare share_by_operators(const at::Tensor& picture, at::Tensor counts) {
  const auto highest = of_nine(picture, [](const at::Tensor& a, const at::Tensor& b) { return at::maximum(a, b); });
  const auto lowest = of_nine(picture, [](const at::Tensor& a, const at::Tensor& b) { return at::minimum(a, b); });
  const auto constant = (highest - lowest < end_of_codes).all(1, true);
  const auto at_end = (at::maximum(highest, -lowest) >= 1 - end_of_codes).any(1, true);
  if (!counts.defined()) counts = at::ones_like(constant);
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

}  // namespace

double rms_of(const std::array<double, noise_sizes>& levels, int size) {
  const double full = levels[0], half = levels[size > 0 ? 1 : 0], quarter = levels[static_cast<std::size_t>(size)];
  return std::sqrt(0.75 * full * half + 0.1875 * (half * half + quarter * quarter) / 2 + 0.0625 * quarter * quarter);
}

std::array<double, noise_sizes> levels_of(const NoiseSpectrum& spectrum) {
  const auto mean = spectrum.power().mean(0).contiguous();
  std::array<double, noise_sizes> levels{};
  for (std::size_t size = 0; size < noise_sizes; ++size) levels[size] = level_in_means(mean, size);
  return levels;
}

double rise_of(const NoiseSpectrum& spectrum) {
  double at_full_size = 0, grey = 0, colour = 0;
  for (std::int64_t axis = 0; axis < 3; ++axis)
    for (std::size_t size = 0; size <= noise_sizes; ++size) {
      const double level = level_in_means(spectrum.power()[axis].contiguous(), size);
      if (size == 0) at_full_size = std::max(at_full_size, level);
      double& densest = axis == 0 ? grey : colour;
      densest = std::max(densest, level);
    }
  return colour > over_grey * grey ? colour / std::max(at_full_size, colour / most_rise) : 1;
}

std::vector<NoisePlanes> noise_planes(const FrameView& frame, const at::Tensor& picture, const at::Tensor& known) {
  const auto luma = quick_luma_of(frame.matrix, picture);
  const double power_of_luma = luma_power(frame.matrix), luma_gain = 1 / std::sqrt(power_of_luma);
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
  return {at_sizes(luma, known, luma_gain, power_of_luma),
          at_sizes(chroma, chroma_known, std::sqrt(area / chroma_power), 1 - power_of_luma, area > 3 ? 1 : 0)};
}

NoiseEstimate estimate_noise(const std::vector<NoisePlanes>& groups) {
  return estimate(groups, [&](std::size_t i, std::size_t size) {
    return ballot_on_noise(groups[i].planes[size], groups[i].known[size], groups[i].seen[size].get());
  });
}

NoiseEstimate estimate_noise(const at::Tensor& picture, const at::Tensor& known) {
  return estimate_noise({at_sizes(picture, known, 1, 1)});
}

NoiseEstimate estimate_change(const std::vector<NoisePlanes>& now, const std::vector<NoisePlanes>& before) {
  return estimate(now, [&](std::size_t i, std::size_t size) {
    return ballot_on_change(now[i].planes[size], before[i].planes[size], now[i].known[size], now[i].seen[size].get());
  });
}

std::optional<WholeMotion> motion_between(const std::vector<NoisePlanes>& now, const std::vector<NoisePlanes>& before) {
  for (std::size_t i = 0; i < now.size(); ++i)
    if (now[i].planes[noise_sizes - 1].defined() && now[i].planes[0].size(1) == 1)
      return WholeMotion(now[i].planes, before[i].planes);
  return {};
}

std::vector<NoisePlanes> moved(const std::vector<NoisePlanes>& before, const WholeMotion& motion) {
  std::vector<NoisePlanes> there;
  for (const auto& group : before)
    there.push_back(group.planes[0].defined()
                        ? at_sizes(motion.moved(group.planes[0]), {}, group.gain, group.power, group.finest)
                        : group);
  return there;
}

ConstantShare constant_share(const NoisePlanes& of) {
  if (!of.planes[0].defined()) return {};
  const auto bounds = inside_of_bars(of.planes[0], of.seen[0].get());
  const auto rows = bounds.bottom - bounds.top, columns = bounds.right - bounds.left;
  if (std::min(rows, columns) < 3) return {};
  const auto picture = of.planes[0].narrow(2, bounds.top, rows).narrow(3, bounds.left, columns);
  at::Tensor counts;
  if (of.known[0].defined()) {
    const auto known = of.known[0].narrow(2, bounds.top, rows).narrow(3, bounds.left, columns);
    counts = of_nine(known, [](const at::Tensor& a, const at::Tensor& b) { return at::minimum(a, b); }) > 0;
  }
  if (lie_in_host_memory(picture)) return share_on_host(picture, counts);
  return StepRunner::has_kernels(picture.device()) ? share_by_step(picture, counts)
                                                   : share_by_operators(picture, counts);
}

}  // namespace reddiff
