// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The deviation of white noise in planes, blind: of blocks of 8x8 pixels behind a high-pass filter the quietest hold little but noise.
// Who votes:
//  - not blocks of which a pixel is missing, or whose filter touches pixels that clipped to a constant black or white;
//  - not blocks within two deviations of black or white, where noise was clipped; in a picture that is dark or bright all over the
//    fifth that lies farthest from both has to do;
//  - not the strips along the border that are one shade and quieter than the rest by far: bars, which were put there afterwards;
//  - not an inset: constant or nearly so, of one shade, quieter than the rest by far, where the rest looks like noise;
//  - constant blocks anywhere else do, for no noise.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

namespace reddiff {

// Planes with fewer than twelve whole blocks say nothing.
bool is_large_enough(std::int64_t height, std::int64_t width);

// How near to an end of the code values counts as standing there.
constexpr double end_of_codes = 0.25 * 2 / 255;

struct Box {
  std::int64_t top, left, bottom, right;  // the last two are outside
};

// What was seen in planes, so that it is computed once; undefined until then.
struct SeenInPlanes {
  at::Tensor lines;   // mean and spread of each row, then of each column
  at::Tensor energy;  // of blocks, behind the filter
};

// Planes [1,C,H,W] without bars: strips along the border that are one shade and quieter than the rest by far. seen: of these planes, read and
// filled; none if nobody else wants to know.
Box inside_of_bars(const at::Tensor& planes, SeenInPlanes* seen = nullptr);

// Noise by brightness: in so many equal parts of the code values; 0 where a part has too few blocks.
constexpr int brightness_bins = 8;
using NoiseCurve = std::array<double, brightness_bins>;

struct NoiseVote {
  double level = 0;  // standard deviation, in the planes' units, over all of them
  double share = 0;  // of the blocks that voted, 0..1
  // Of a change: of blocks with detail, over `level`; about 1 if it stands still. 0: too few have any.
  double at_detail = 0;
  bool asked = false;          // there were blocks that may vote
  double at_ends = 0;          // share of the pixels at which the filter sees nothing but one end of the code values
  NoiseCurve by_brightness{};  // the level of blocks of this brightness alone
};

// planes: [1,C,H,W], -1 and 1 the ends of code values. known: [1,1,H,W], 1 or 0, undefined where all is known. No vote (level 0) from
// planes that are not large enough and where no block may vote. Waits for a GPU.
NoiseVote vote_on_noise(const at::Tensor& planes, const at::Tensor& known = {});

// The same in two steps, so that many votes wait for a GPU once: what is computed there, and what it comes to.
struct Ballot {
  at::Tensor values;  // [n], float32; undefined where planes are not large enough
  std::int64_t planes = 0, height = 0, width = 0;
  bool constants_vote = false;
};
Ballot ballot_on_noise(const at::Tensor& planes, const at::Tensor& known = {}, SeenInPlanes* seen = nullptr);
Ballot ballot_on_change(const at::Tensor& now, const at::Tensor& before, const at::Tensor& known = {},
                        SeenInPlanes* seen = nullptr);
std::vector<NoiseVote> counted(const std::vector<Ballot>& ballots);

// The same of what differs from the planes of the frame before, which has twice the variance. Where nothing moved there is no detail in
// it. Blocks that have not changed at all do not vote: a codec repeated them, noise and all, or there is none to see. Detail that moves
// changes more than what is flat does, however slowly it moves; noise changes both alike: at_detail tells them apart.
NoiseVote vote_on_change(const at::Tensor& now, const at::Tensor& before, const at::Tensor& known = {});

}  // namespace reddiff
