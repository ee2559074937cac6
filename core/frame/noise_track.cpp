// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_track.h"

#include <algorithm>
#include <cmath>

namespace reddiff {
namespace {

constexpr int memory = 8;     // frames; single estimates scatter by 2 to 5 %
constexpr double jump = 1.5;  // times up or down: not the same noise any more
constexpr double band = 1.2;  // times up or down: beyond the border

}  // namespace

double NoiseTrack::update(double estimate) {
  last_ = estimate;
  const double level = std::sqrt(variance_);
  const bool other = frames_ == 0 || estimate > jump * level || level > jump * estimate;
  if (other) {
    restart();
  } else {
    frames_ = std::min(frames_ + 1, memory);
    variance_ += (estimate * estimate - variance_) / frames_;
  }
  const double now = std::sqrt(variance_);
  above_ = now > border_ * (other ? 1 : above_ ? 1 / band : band);
  // Beside the border, so that no change of units takes it to the other side.
  return above_ ? std::max(now, border_ * (1 + 1e-9)) : std::min(now, border_ * (1 - 1e-9));
}

void NoiseTrack::restart() {
  frames_ = 1;
  variance_ = last_ * last_;
}

}  // namespace reddiff
