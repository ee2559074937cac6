// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The spectrum of a video's noise, learnt from what changes where the picture stands still: half of that power is noise, and none of it
// detail.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/frame/noise_spectrum.h"

namespace reddiff {

class SpectrumTrack {
 public:
  // Pictures [1,3,H,W] of one scene that stands still, one after the other. Pieces that have hardly changed, as a codec repeats them, and
  // those that have changed most, where something moves, say nothing.
  void learn(const at::Tensor& now, const at::Tensor& before);

  // nullptr until enough has been seen.
  const NoiseSpectrumPtr& known() const { return known_; }

  void restart();

 private:
  at::Tensor power_;
  int frames_ = 0;
  std::int64_t pieces_ = 0;  // that were seen, of all frames
  NoiseSpectrumPtr known_;
};

}  // namespace reddiff
