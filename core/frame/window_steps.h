// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Means over windows, place by place, as steps (step_runner.h): on a GPU one kernel where pooling of LibTorch's takes two that are
// slower. On the CPU the operators stay (window.cpp): they are the definition.
#pragma once

#include <cstdint>

#include "core/api/host_device.h"

namespace reddiff {

// Mean over side x side pixels of each plane; the window shrinks at the border. Planes lie below each other: place y is row y % rows.
struct WindowMeanStep {
  const float* values;  // [height,width]
  std::int32_t rows, radius;
  float* out;
  std::int32_t height, width;  // of all planes

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int32_t first = y / rows * rows, row = y - first;
    const std::int32_t top = row > radius ? row - radius : 0, left = x > radius ? x - radius : 0;
    const std::int32_t bottom = row + radius < rows ? row + radius : rows - 1;
    const std::int32_t right = x + radius < width ? x + radius : width - 1;
    float sum = 0;
    for (std::int32_t r = top; r <= bottom; ++r) {
      const float* line = values + static_cast<std::int64_t>(first + r) * width;
      for (std::int32_t c = left; c <= right; ++c) sum += line[c];
    }
    out[static_cast<std::int64_t>(y) * width + x] = sum / static_cast<float>((bottom - top + 1) * (right - left + 1));
  }
};

}  // namespace reddiff
