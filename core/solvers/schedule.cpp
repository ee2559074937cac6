// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/solvers/rng.h"

namespace reddiff {
namespace {

using LevelTable = std::array<double, diffusion_steps>;

const LevelTable& level_table() {
  static const LevelTable table = [] {
    LevelTable levels{};
    double abar = 1;
    for (int t = 0; t < diffusion_steps; ++t) {
      abar *= 1 - (1e-4 + (2e-2 - 1e-4) * t / (diffusion_steps - 1));
      levels[t] = std::sqrt((1 - abar) / abar);
    }
    return levels;
  }();
  return table;
}

std::vector<double> paper_times(int steps, Spacing spacing) {
  std::vector<double> times;
  if (spacing == Spacing::quadratic) {
    for (int k = 0; k < steps; ++k) {
      const double share = steps == 1 ? 0 : static_cast<double>(k) / (steps - 1);
      times.push_back((diffusion_steps - 1) * share * share);
    }
  } else {
    const int skip = std::max(1, diffusion_steps / steps);
    for (int t = 0; t < diffusion_steps; t += skip) times.push_back(t);
  }
  return times;
}

std::vector<double> paper_levels(const Pass& pass, double sigma_min, double sigma_max) {
  std::vector<double> inside;
  double nearest = sigma_min, distance = INFINITY;
  for (double t : paper_times(pass.steps, pass.spacing)) {
    const double level = diffusion_level(t);
    const double clamped = std::clamp(level, sigma_min, sigma_max);
    if (clamped == level) inside.push_back(level);
    if (std::abs(clamped - level) < distance) {
      distance = std::abs(clamped - level);
      nearest = clamped;
    }
  }
  if (inside.empty()) inside.push_back(nearest);
  return inside;
}

std::vector<double> ranged_levels(const Pass& pass, double sigma_min, double sigma_max) {
  const double start = std::clamp(pass.start_level, sigma_min, sigma_max);
  const double lowest = pass.end_level > 0 ? pass.end_level : diffusion_level(0);
  const double end = std::min(start, std::clamp(lowest, sigma_min, sigma_max));
  const double start_time = diffusion_time(start), end_time = diffusion_time(end);
  std::vector<double> levels(pass.steps);
  for (int k = 0; k < pass.steps; ++k) {
    double share = pass.steps == 1 ? 1 : static_cast<double>(k) / (pass.steps - 1);
    if (pass.spacing == Spacing::quadratic) share *= share;
    levels[k] = std::clamp(diffusion_level(end_time + (start_time - end_time) * share), end, start);
  }
  levels.front() = pass.steps == 1 ? start : end;
  levels.back() = start;
  return levels;  // ascending
}

}  // namespace

double diffusion_level(double t) {
  const auto& table = level_table();
  const double clamped = std::clamp(t, 0.0, diffusion_steps - 1.0);
  const int below = std::min(static_cast<int>(clamped), diffusion_steps - 2);
  const double share = clamped - below;
  return std::exp((1 - share) * std::log(table[below]) + share * std::log(table[below + 1]));
}

double diffusion_time(double level) {
  const auto& table = level_table();
  if (level <= table.front()) return 0;
  if (level >= table.back()) return diffusion_steps - 1;
  const int above = static_cast<int>(std::upper_bound(table.begin(), table.end(), level) - table.begin());
  const double low = std::log(table[above - 1]), high = std::log(table[above]);
  return above - 1 + (std::log(level) - low) / (high - low);
}

std::vector<double> make_levels(const Pass& pass, double sigma_min, double sigma_max, std::uint64_t seed) {
  auto levels =
      pass.start_level > 0 ? ranged_levels(pass, sigma_min, sigma_max) : paper_levels(pass, sigma_min, sigma_max);
  switch (pass.order) {
    case Order::ascending:
      break;
    case Order::random:
      for (std::size_t i = levels.size(); i > 1; --i) std::swap(levels[i - 1], levels[mix_seed(seed, i) % i]);
      break;
    case Order::preset:
    case Order::descending:
      std::reverse(levels.begin(), levels.end());
  }
  return levels;
}

double level_weight(Weighting weighting, double level) {
  switch (weighting) {
    case Weighting::preset:
    case Weighting::linear:
      return level;
    case Weighting::sqrt:
      return std::sqrt(level);
    case Weighting::square:
      return level * level;
    case Weighting::log:
      return std::log1p(level);
    case Weighting::trunc_linear:
      return std::min(level, 1.0);
    case Weighting::power_two_thirds:
      return std::cbrt(level * level);
    case Weighting::constant:
      return 1;
  }
  return level;
}

}  // namespace reddiff
