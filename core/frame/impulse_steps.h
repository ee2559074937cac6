// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the search for impulses (impulse.h) wants of planes in a GPU's memory, as steps (step_runner.h).
#pragma once

#include <cstdint>

#include "core/api/host_device.h"

namespace reddiff {

// What an inner value of a plane is; more than one of these.
struct ValueKind {
  static constexpr std::uint8_t isolated = 1, single_white = 2, single_black = 4, extreme = 8, white_chance = 16,
                                black_chance = 32;
};

// Of rows first, first + each and so on of every plane, one below the other. Values at the border are nothing.
struct ValueKindStep {
  const float* planes;  // [count,plane_height,plane_width]
  std::int32_t plane_height, rows, first, each;
  float apart, end;  // of impulse.h
  std::int32_t plane_width;
  std::uint8_t* out;
  std::int32_t height, width;  // rows of all planes; not less than plane_width

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    std::uint8_t kind = 0;
    if (x > 0 && x + 1 < plane_width) {
      const std::int64_t row = static_cast<std::int64_t>(y / rows) * plane_height + first + y % rows * each;
      kind = kind_of(planes + row * plane_width + x);
    }
    out[static_cast<std::int64_t>(y) * width + x] = kind;
  }

 private:
  REDDIFF_HOST_DEVICE std::uint8_t kind_of(const float* at) const {
    const float value = *at;
    float high = at[-1], low = high;
    for (std::int32_t row = -1; row <= 1; ++row)
      for (std::int32_t column = -1; column <= 1; ++column) {
        if (row == 0 && column == 0) continue;
        const float near = at[static_cast<std::int64_t>(row) * plane_width + column];
        high = near > high ? near : high, low = near < low ? near : low;
      }
    const bool above = value - high > apart, below = low - value > apart, white = value >= end, black = value <= -end;
    int kind = above || below ? ValueKind::isolated : 0;
    kind |= above && white ? ValueKind::single_white : 0;
    kind |= below && black ? ValueKind::single_black : 0;
    kind |= white || black ? ValueKind::extreme : 0;
    kind |= high < 1 - apart ? ValueKind::white_chance : 0;
    kind |= low > apart - 1 ? ValueKind::black_chance : 0;
    return static_cast<std::uint8_t>(kind);
  }
};

// 5x5 values around each of some, 0 beyond the border of its plane. Place (x, y): value x of patch y.
struct PatchStep {
  static constexpr std::int32_t side = 5;

  const float* planes;        // [count,plane_height,plane_width]
  const std::int64_t* index;  // [height], of values
  std::int32_t plane_height, plane_width;
  float* out;  // [height,side*side]
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int64_t middle = index[y];
    const std::int32_t down = x / side - side / 2, across = x % side - side / 2;
    const std::int64_t row = middle / plane_width % plane_height + down, column = middle % plane_width + across;
    const bool inside = row >= 0 && row < plane_height && column >= 0 && column < plane_width;
    out[static_cast<std::int64_t>(y) * width + x] =
        inside ? planes[middle + static_cast<std::int64_t>(down) * plane_width + across] : 0;
  }
};

}  // namespace reddiff
