// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a noise level falls in FiLM's tables (Note [FiLM table]), place by place, as a step (core/frame/step_runner.h).
#pragma once

#include <cmath>
#include <cstdint>

#include "core/api/host_device.h"
#include "core/priors/mirrored_line.h"

namespace reddiff {

// c = log(sigma)/4 of a level of the pyramid: of the finest as means over 2x2 pixels of the noise level, of another as means over 2x2
// places of the next finer one. Images lie below each other: place y is row y % rows of image y / rows.
struct FilmMapStep {
  const float* sigma;                          // [images,picture_height,picture_width], or one value; null: of `finer`
  const float* finer;                          // [images,2*rows,2*width]
  std::int32_t picture_height, picture_width;  // 1 and 1 for one value; beyond its size a picture is mirrored
  std::int32_t rows;
  float sigma_min, sigma_max;
  float c_min, entries_per_c;
  std::int32_t last_entry;
  float* c;             // [images,rows,width]
  std::int32_t* index;  // the same: lower row of the table
  float* fraction;      // 0..1 of the way to the next one
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    float mean = 0;
    for (std::int32_t row = 0; row < 2; ++row)
      for (std::int32_t column = 0; column < 2; ++column) mean += 0.25F * value(y, row, 2 * x + column);
    const std::int64_t at = static_cast<std::int64_t>(y) * width + x;
    const auto last = static_cast<float>(last_entry);
    float position = (mean - c_min) * entries_per_c;
    position = position < 0 ? 0 : (position > last ? last : position);  // no number stays none
    float lower = std::floor(position);
    if (lower > last - 1) lower = last - 1;
    c[at] = mean;
    index[at] = lower >= 0 ? static_cast<std::int32_t>(lower) : 0;
    fraction[at] = position - lower;
  }

 private:
  REDDIFF_HOST_DEVICE float value(std::int32_t y, std::int32_t row, std::int32_t column) const {
    if (!sigma) return finer[(2 * static_cast<std::int64_t>(y) + row) * 2 * width + column];
    const std::int64_t line =
        static_cast<std::int64_t>(y / rows) * picture_height + mirrored_line(2 * (y % rows) + row, picture_height);
    const float level = sigma[line * picture_width + mirrored_line(column, picture_width)];
    const float inside = level < sigma_min ? sigma_min : (level > sigma_max ? sigma_max : level);
    return std::log(inside) * 0.25F;
  }
};

}  // namespace reddiff
