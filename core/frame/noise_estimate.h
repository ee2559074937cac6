// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How much noise there might be in a frame, blind, in the level that white R'G'B' noise of the same density would have, which is what a
// denoiser has to be told: at full size and in the means of 2x2 and 4x4 pixels. White noise gives the same number at every size; noise
// that neighbouring pixels share (demosaicing, scaling, JPEG, film grain) rises towards smaller sizes and then stands still. So does
// detail: from one picture these are upper bounds that noise_verdict.h has to confirm; from the difference of two frames detail is gone
// wherever nothing moved.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "core/api/frame_view.h"
#include "core/frame/noise_blocks.h"
#include "core/frame/noise_spectrum.h"
#include "core/frame/whole_motion.h"

namespace reddiff {

constexpr int noise_sizes = 3;  // full, half, quarter

// Less is what rounding to code values leaves, and not worth a call of the prior. Core units.
constexpr double least_noise = 0.6 * 2 / 255;

// Of the first group of planes, in its own units: what it says at one size.
struct OwnNoise {
  double level = 0, at_detail = 0;  // as in NoiseVote
  NoiseCurve by_brightness{};
};

struct NoiseEstimate {
  std::array<double, noise_sizes> level{};  // in means of 2^k x 2^k pixels, times 2^k; core units
  double share = 0;                         // of the blocks at full size that voted
  double at_ends = 0;                       // of the first group at full size: NoiseVote::at_ends

  std::array<OwnNoise, noise_sizes> own{};
  // By the groups' parts in R'G'B' instead of the largest: what a root mean square is made of, rms_of(). Halved chroma has none at full size.
  std::array<double, noise_sizes> mean{};
  double mean_if_white = 0;  // the first of them, if the noise was white before chroma was halved
  double second = 0;         // what the second group says at its own full size, in its own units

  double white() const { return level[0]; }  // if the noise is white
};

// The root mean square of noise whose density is this at three sizes and stays so beyond `size`: full size stands for three quarters of all
// frequencies, half size for three quarters of the rest; in between, full size and half are taken by their geometric mean, half and a
// quarter by the mean of their powers.
double rms_of(const std::array<double, noise_sizes>& levels, int size);

// What the estimate reads at each size of noise of this spectrum whose root mean square is 1, in planes that have all axes of colour alike.
std::array<double, noise_sizes> levels_of(const NoiseSpectrum& spectrum);

// How many times as dense noise of this spectrum is in colours where it is densest, in means of up to 8x8 pixels, as it is at full size in the
// axis of colour that has most of it there: large for blotches of colour. 1 for white noise, of luma alone as well, and where grey has
// as much of it at any size, as it has of what moves.
double rise_of(const NoiseSpectrum& spectrum);

// Planes that noise is looked for in together. Where a frame has halved chroma, noise of R'G'B' hides in it: the density counts.
struct NoisePlanes {
  // [1,C,h,w] and their means of 2x2 and 4x4; undefined where they are too small to see noise in.
  std::array<at::Tensor, noise_sizes> planes;
  std::array<at::Tensor, noise_sizes> known;  // [1,1,h,w] of each, 1 or 0; undefined where all is known
  // Filled as it is asked for.
  std::array<std::shared_ptr<SeenInPlanes>, noise_sizes> seen;
  double gain;   // level of white R'G'B' noise over that of its image in these planes
  double power;  // their part in the noise of R'G'B'; adds up to 1
  // At which size the picture has as many pixels as these planes have at full size: 1 where chroma is halved both ways. Its values are means
  // of 2x2 pixels then, and say nothing of finer noise.
  std::size_t finest = 0;
};

// Of a frame and the picture read from it: R'G'B' and luma, or luma and chroma at its own size.
std::vector<NoisePlanes> noise_planes(const FrameView& frame, const at::Tensor& picture, const at::Tensor& known = {});

// The larger of what each group of planes votes for, or what they say together where they agree within a seventh.
NoiseEstimate estimate_noise(const std::vector<NoisePlanes>& planes);

// The same of R'G'B' alone, [1,3,H,W].
NoiseEstimate estimate_noise(const at::Tensor& picture, const at::Tensor& known = {});

// From what changed since the last frame, planes of the same frame sizes: detail of what stands still is not in it. Blocks that are the
// last ones to the bit do not vote; share: of those that did.
NoiseEstimate estimate_change(const std::vector<NoisePlanes>& now, const std::vector<NoisePlanes>& before);

// Where the picture was in the frame before, and those planes of it where they are now. None of planes that are too small to see noise in.
std::optional<WholeMotion> motion_between(const std::vector<NoisePlanes>& now, const std::vector<NoisePlanes>& before);
std::vector<NoisePlanes> moved(const std::vector<NoisePlanes>& before, const WholeMotion& motion);

// How much of a picture, bars apart, equals its eight neighbours in every plane. Noise leaves next to none of that: drawn pictures, text and
// windows are full of it.
struct ConstantShare {
  double at_ends = 0;  // black or white, of all pixels: there noise may have been clipped
  double inside = 0;   // of the other pixels
};

// Of planes that are too small to see noise in: none.
ConstantShare constant_share(const NoisePlanes& planes);

}  // namespace reddiff
