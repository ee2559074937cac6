// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The evidence of clipped noise (clipped_noise.h) by steps (step_runner.h): sums over short columns of pixels, which are added up after.
#pragma once

#include <cstdint>

#include "core/api/host_device.h"

namespace reddiff {

struct ClippingStep {
  static constexpr std::int32_t column = 16;  // pixels that one place adds up
  static constexpr int sums = 6;  // of black, then of white: energy, that towards the limit, and of how many values

  const float *picture, *mean;  // [lines,width]: all planes below each other
  std::int32_t lines;
  float near, outlier, flat, noise;  // nearer to the limit; farther from the mean; nearer to it; the level
  float* out;                        // [sums,height,width]
  std::int32_t height, width;        // height: lines / column, rounded up

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    float found[sums] = {0, 0, 0, 0, 0, 0};
    for (std::int32_t line = y * column; line < (y + 1) * column && line < lines; ++line) {
      const std::int64_t at = static_cast<std::int64_t>(line) * width + x;
      const float middle = mean[at];
      const float away = middle < 0 ? picture[at] - middle : middle - picture[at];
      const float size = away < 0 ? -away : away, brightness = middle < 0 ? -middle : middle;
      if (!(brightness > near && size < outlier && size > flat)) continue;
      float* end = found + (middle < 0 ? 0 : 3);
      const float energy = (away / noise) * (away / noise);
      end[0] += energy;
      if (away < 0) end[1] += energy;
      end[2] += 1;
    }
    const std::int64_t plane = static_cast<std::int64_t>(height) * width, at = static_cast<std::int64_t>(y) * width + x;
    for (int i = 0; i < sums; ++i) out[i * plane + at] = found[i];
  }
};

}  // namespace reddiff
