// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the noise estimate wants to know of planes, place by place, as steps (step_runner.h): one kernel each on a GPU. In host memory
// noise_passes.h does the same in rows, which a processor's vectors like better; each is tested against the other.
#pragma once

#include <cstdint>

#include "core/api/host_device.h"

namespace reddiff {

// Cells of noise_passes.h. Planes and their cells lie below each other: cell y is row y % rows of plane y / rows.
struct CellStep {
  const float* planes;  // [count,plane_height,plane_width]
  const float* before;  // the same, or null: of their difference the energy, halved
  std::int32_t plane_height, plane_width, rows;
  float constant, limit;  // below that much energy, beyond that much brightness: an end of the code values
  float *energy, *mean, *at_end;
  std::int32_t height, width;  // of all cells

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    constexpr std::int32_t side = 8;
    const std::int64_t first =
        (static_cast<std::int64_t>(y / rows) * plane_height + static_cast<std::int64_t>(y % rows) * side) *
            plane_width +
        x * side;
    const float scale = (before ? 0.5F : 1.0F) / 36;
    float sum = 0, brightness = 0, ends = 0;
    for (std::int32_t row = 0; row < side; ++row) {
      // Differences down the columns, of this column and the two before it.
      const std::int64_t line = first + static_cast<std::int64_t>(row) * plane_width;
      float left = down(line), middle = down(line + 1);
      for (std::int32_t column = 0; column < side; ++column) {
        const float right = down(line + column + 2), filtered = left - 2 * middle + right;
        const float here = filtered * filtered * scale, value = planes[line + plane_width + column + 1];
        sum += here;
        brightness += value;
        ends += here < constant && (value > limit || value < -limit) ? 1.0F : 0.0F;
        left = middle, middle = right;
      }
    }
    const std::int64_t at = static_cast<std::int64_t>(y) * width + x;
    energy[at] = sum / (side * side), mean[at] = brightness / (side * side), at_end[at] = ends / (side * side);
  }

 private:
  // Second difference of three rows from `at` down.
  REDDIFF_HOST_DEVICE float down(std::int64_t at) const {
    return value(at) - 2 * value(at + plane_width) + value(at + 2 * static_cast<std::int64_t>(plane_width));
  }
  REDDIFF_HOST_DEVICE float value(std::int64_t at) const { return before ? planes[at] - before[at] : planes[at]; }
};

// Of every pixel but the outermost: bit 0 where it equals its eight neighbours in every plane, bit 1 where any of the nine is black or
// white in any plane; `not_counted` where `counts` says so.
struct FlatnessStep {
  const float* planes;  // [count,height+2,width+2]
  std::int32_t count;
  float alike, limit;
  const bool* counts;  // [height,width], or null: all count
  std::uint8_t not_counted;
  std::uint8_t* out;
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int64_t row = width + 2, plane = row * (height + 2), at = static_cast<std::int64_t>(y) * width + x;
    if (counts && !counts[at]) {
      out[at] = not_counted;
      return;
    }
    bool flat = true, ends = false;
    for (std::int32_t i = 0; i < count; ++i) {
      const float* values = planes + i * plane + y * row + x;
      float highest = values[0], lowest = highest;
      for (std::int32_t r = 0; r < 3; ++r)
        for (std::int32_t c = 0; c < 3; ++c) {
          const float value = values[r * row + c];
          highest = value > highest ? value : highest, lowest = value < lowest ? value : lowest;
        }
      flat = flat && highest - lowest < alike;
      ends = ends || highest >= limit || -lowest >= limit;
    }
    out[at] = static_cast<std::uint8_t>((flat ? 1 : 0) | (ends ? 2 : 0));
  }
};

}  // namespace reddiff
