// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The filter's evidence of what is wrong with the moved past, place by place, as steps (core/frame/step_runner.h). evidence.cpp is the
// definition.
#pragma once

#include <cstdint>

#include "core/api/host_device.h"
#include "core/temporal/filter_steps.h"

namespace reddiff {

// Mean and mean square of what is missing from b to a, over `side` pixels of a row: the first half of a mean over cells.
struct RowMomentsStep {
  const float *a, *b;  // [channels,height,columns]
  float most;          // a pixel counts as no more than that
  std::int32_t channels, columns, side;
  float* out;  // [channels+1,height,width]; the square last, its mean over channels
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int32_t first = x * side, end = first + side < columns ? first + side : columns;
    const std::int64_t from = static_cast<std::int64_t>(height) * columns,
                       to = static_cast<std::int64_t>(height) * width;
    const std::int64_t at = static_cast<std::int64_t>(y) * width + x;
    const auto count = static_cast<float>(end - first);
    float squares = 0;
    for (std::int32_t channel = 0; channel < channels; ++channel) {
      float sum = 0;
      for (std::int32_t column = first; column < end; ++column) {
        const std::int64_t place = channel * from + static_cast<std::int64_t>(y) * columns + column;
        float missing = a[place] - b[place];
        missing = missing > most ? most : (missing < -most ? -most : missing);
        sum += missing;
        squares += missing * missing;
      }
      out[channel * to + at] = sum / count;
    }
    out[channels * to + at] = squares / (count * static_cast<float>(channels));
  }
};

// What of the means over windows of 3x3 cells is no chance.
struct DriftStep {
  const float* moments;  // [channels+1,height,width]
  std::int32_t channels;
  float pixels;        // of a whole window
  float least, doubt;  // variance; times what chance makes
  float* out;          // [channels,height,width]
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int64_t plane = static_cast<std::int64_t>(height) * width, at = static_cast<std::int64_t>(y) * width + x;
    float power = 0;
    for (std::int32_t i = 0; i < channels; ++i) power += moments[i * plane + at] * moments[i * plane + at];
    power /= static_cast<float>(channels);
    const float spread = moments[channels * plane + at] - power, variance = spread < least ? least : spread;
    const float by_chance = variance / (pixels * share(x, width) * share(y, height)) * doubt;
    const float sure = 1 - by_chance / (power < 1e-12F ? 1e-12F : power), believed = sure < 0 ? 0 : sure;
    for (std::int32_t i = 0; i < channels; ++i) out[i * plane + at] = believed * moments[i * plane + at];
  }

 private:
  // Of the three lines of a window, how many lie inside.
  static REDDIFF_HOST_DEVICE float share(std::int32_t at, std::int32_t length) {
    return static_cast<float>(1 + (at > 0 ? 1 : 0) + (at + 1 < length ? 1 : 0)) / 3;
  }
};

// x and the bilinear interpolation of `coarse`.
struct AddCoarseStep {
  const float *x, *coarse;  // [channels,height,width], [channels,coarse_height,coarse_width]
  std::int32_t channels, coarse_height, coarse_width;
  float* out;
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t column, std::int32_t row) const {
    const Between across(column, width, coarse_width), down(row, height, coarse_height);
    const std::int64_t at = static_cast<std::int64_t>(row) * width + column;
    for (std::int32_t i = 0; i < channels; ++i) {
      const float* values = coarse + static_cast<std::int64_t>(i) * coarse_height * coarse_width;
      const float* above = values + static_cast<std::int64_t>(down.first) * coarse_width;
      const float* below = values + static_cast<std::int64_t>(down.second) * coarse_width;
      const float upper = (1 - across.share) * above[across.first] + across.share * above[across.second];
      const float lower = (1 - across.share) * below[across.first] + across.share * below[across.second];
      const std::int64_t place = i * static_cast<std::int64_t>(height) * width + at;
      out[place] = x[place] + (1 - down.share) * upper + down.share * lower;
    }
  }
};

// Of each pixel the squares whose means over windows are evidence: of the difference to the moved past, and of that to the mean around.
struct SquaresStep {
  const float *picture, *moved;  // [channels,height,width]
  std::int32_t channels, radius;
  float* out;  // [2,height,width], means over channels
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int32_t top = y > radius ? y - radius : 0, left = x > radius ? x - radius : 0;
    const std::int32_t bottom = y + radius < height ? y + radius : height - 1;
    const std::int32_t right = x + radius < width ? x + radius : width - 1;
    const auto count = static_cast<float>((bottom - top + 1) * (right - left + 1));
    const std::int64_t plane = static_cast<std::int64_t>(height) * width, at = static_cast<std::int64_t>(y) * width + x;
    float difference = 0, detail = 0;
    for (std::int32_t i = 0; i < channels; ++i) {
      const float* values = picture + i * plane;
      float sum = 0;
      for (std::int32_t row = top; row <= bottom; ++row)
        for (std::int32_t column = left; column <= right; ++column)
          sum += values[static_cast<std::int64_t>(row) * width + column];
      const float from_past = values[at] - moved[i * plane + at], from_mean = values[at] - sum / count;
      difference += from_past * from_past;
      detail += from_mean * from_mean;
    }
    out[at] = difference / static_cast<float>(channels);
    out[plane + at] = detail / static_cast<float>(channels);
  }
};

// motion_variance() of what estimate_variance() says, from means of SquaresStep over windows.
struct MotionVarianceStep {
  const float* means;  // [2,height,width]
  float half_detail, of_detail, of_flat,
      caution;  // of the estimate's own error: where half of it is reached, and its ends
  float* out;
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int64_t plane = static_cast<std::int64_t>(height) * width, at = static_cast<std::int64_t>(y) * width + x;
    const float detail = means[plane + at];
    const float own = detail / (detail + half_detail) * of_detail + of_flat, wrong = means[at] - own;
    out[at] = wrong < 0 ? 0 : wrong * caution;
  }
};

}  // namespace reddiff
