// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/spectrum_track.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace reddiff {
namespace {

constexpr std::int64_t side = NoiseSpectrum::window;
constexpr double most_pieces = 128;  // of a frame: they cost about a hundredth of a call of the prior
constexpr std::int64_t least_pieces = 8, enough_pieces = 64;
constexpr double still = 2;  // times the median of a piece's energy: where more has changed something moves
constexpr int memory = 8;    // frames
constexpr double jump = 2;   // times the power or its inverse: other noise

// [P,3,side,side] on the CPU, evenly spread.
at::Tensor pieces_of(const at::Tensor& change) {
  const std::int64_t height = change.size(2), width = change.size(3);
  const auto area = static_cast<double>(height * width);
  const auto step = std::max(side / 2, static_cast<std::int64_t>(std::ceil(std::sqrt(area / most_pieces))));
  return change[0].unfold(1, side, step).unfold(2, side, step).permute({1, 2, 0, 3, 4}).flatten(0, 1).cpu();
}

}  // namespace

void SpectrumTrack::learn(const at::Tensor& now, const at::Tensor& before) {
  if (std::min(now.size(2), now.size(3)) < side) return;
  auto pieces = pieces_of(now - before);
  const auto changed = (pieces != 0).to(at::kFloat).mean({1, 2, 3}) > 0.5;
  pieces = pieces.index({changed});
  if (pieces.size(0) < least_pieces) return;
  const auto energy = pieces.square().mean({1, 2, 3});
  pieces = pieces.index({energy <= still * energy.median()});
  const auto power = power_of(pieces) / 2;
  const double found = mean_power(power), believed = frames_ > 0 ? mean_power(power_) : found;
  if (found > jump * believed || believed > jump * found) restart();
  frames_ = std::min(frames_ + 1, memory);
  power_ = frames_ == 1 ? power : power_ + (power - power_) / frames_;
  pieces_ = std::min(pieces_ + pieces.size(0), enough_pieces);
  if (pieces_ >= enough_pieces) known_ = std::make_shared<NoiseSpectrum>(power_);
}

void SpectrumTrack::restart() { *this = {}; }

}  // namespace reddiff
