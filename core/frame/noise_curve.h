// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How noise depends on brightness: sensors have more of it where there is more light, gamma and clipping less. A factor to the level by
// brightness, learnt over frames from what changes where nothing moves, which no detail disturbs.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "core/frame/noise_estimate.h"

namespace reddiff {

class BrightnessCurve {
 public:
  // Both of one size: noise alone is in both. Nothing is learnt where they disagree on too much.
  void learn(const OwnNoise& alone, const OwnNoise& change);

  // Where it differs enough to matter; else one level is right, and cheaper.
  bool matters() const;

  // [1,1,H,W], the factor at each pixel of a picture [1,3,H,W], by the mean brightness of 5x5 pixels.
  at::Tensor factor(const at::Tensor& picture) const;

 private:
  NoiseCurve filled() const;

  NoiseCurve sum_{}, weight_{};  // of logarithms of the factor, by brightness
};

}  // namespace reddiff
