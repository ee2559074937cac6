// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/noise_track.h"

#include <algorithm>
#include <cmath>

namespace reddiff {
namespace {

constexpr int memory = 8;     // frames; single estimates scatter by 2 to 5 %
constexpr double jump = 1.5;  // times up or down: not the same noise any more

}  // namespace

double NoiseTrack::update(double estimate) {
  last_ = estimate;
  const double level = std::sqrt(variance_);
  if (frames_ == 0 || estimate > jump * level || level > jump * estimate) {
    restart();
  } else {
    frames_ = std::min(frames_ + 1, memory);
    variance_ += (estimate * estimate - variance_) / frames_;
  }
  return std::sqrt(variance_);
}

void NoiseTrack::restart() {
  frames_ = 1;
  variance_ = last_ * last_;
}

}  // namespace reddiff
