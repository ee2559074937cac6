// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A banded matrix times a picture along one axis, value by value, as a step (core/frame/step_runner.h): one kernel on a GPU, where products
// of matrices want copies of what overlaps.
#pragma once

#include <cstdint>

#include "core/api/host_device.h"

namespace reddiff {

struct BandStep {
  const float* x;  // [channels,x_height,x_width]
  const float*
      taps;  // [count,length of the result on the axis]: of the matrix row, from the first sample on that matters
  std::int32_t count, x_height, x_width;
  std::int32_t rows, columns, reach;     // AxisMatrix::Shape
  bool across;                           // along a row, or down a column
  float* out;                            // [channels,out_rows,width]
  std::int32_t out_rows, height, width;  // height: of all channels

  REDDIFF_HOST_DEVICE void operator()(std::int32_t column, std::int32_t line) const {
    const std::int32_t channel = line / out_rows, place = across ? column : line % out_rows;
    const std::int32_t outputs = across ? width : out_rows, samples = across ? x_width : x_height;
    const std::int32_t first = (place / rows - reach) * columns;
    const std::int32_t begin = first < 0 ? -first : 0, end = first + count > samples ? samples - first : count;
    const std::int64_t start = across ? static_cast<std::int64_t>(line) * x_width + first
                                      : (static_cast<std::int64_t>(channel) * x_height + first) * x_width + column;
    const std::int64_t step = across ? 1 : x_width;
    float sum = 0;
    for (std::int32_t k = begin; k < end; ++k)
      sum += taps[static_cast<std::int64_t>(k) * outputs + place] * x[start + k * step];
    out[static_cast<std::int64_t>(line) * width + column] = sum;
  }
};

}  // namespace reddiff
