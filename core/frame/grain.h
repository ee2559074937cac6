// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Noise made anew like that which was found in a frame and taken away: of its level, by plane and by brightness, and of its spectrum where
// that is known. A film that has lost its grain looks like plastic, and codecs save bits where grain is added behind them (as AV1 does).
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "core/api/frame_view.h"
#include "core/frame/likelihood.h"

namespace reddiff {

// What is known of it, core units.
struct Grain {
  double rms = 0;                           // of R'G'B'
  std::array<double, 3> of_planes{};        // white in each of the frame's planes: R', G', B' or Y', Cb, Cr
  bool by_planes = false;                   // of_planes was measured; else the noise is white in R'G'B', of level rms
  const NoiseSpectrum* spectrum = nullptr;  // then it is that of R'G'B'
  at::Tensor map;                           // [1,1,h,w], the level by place; undefined where it is the same
};

// [1,3,H,W], R'G'B', to be added to a picture that becomes `frame`. unit: [1,3,H,W], independent standard normal values. Where chroma is
// halved, it is so here and survives being written.
at::Tensor grain(const Grain& like, const FrameView& frame, const at::Tensor& unit);

}  // namespace reddiff
