// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the temporal filter does pixel by pixel, as steps (see patch_steps.h): on a GPU each of them is one kernel, where LibTorch's
// operators are one for every sum and product, and a pass over memory each. On the CPU the operators stay (steady_flow.cpp,
// filter.cpp): they are the definition.
#pragma once

#include <cstdint>

#include "core/api/host_device.h"

namespace reddiff {

// Of the least pyramid level of steady_flow.h, half the picture's size: J (xx, xy, yy) and b. An odd last line is a square of its own.
struct KnownMotionStep {
  const float* picture;  // [channels,picture_height,picture_width]
  const float* flow;     // [2,picture_height,picture_width]
  std::int32_t channels, picture_height, picture_width;
  float* out;  // [5,height,width]
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    float sum[5] = {0, 0, 0, 0, 0};
    int count = 0;
    for (std::int32_t row = 2 * y; row < 2 * y + 2 && row < picture_height; ++row)
      for (std::int32_t column = 2 * x; column < 2 * x + 2 && column < picture_width; ++column, ++count)
        add(row, column, sum);
    const std::int64_t plane = static_cast<std::int64_t>(height) * width;
    for (int i = 0; i < 5; ++i)
      out[i * plane + static_cast<std::int64_t>(y) * width + x] = sum[i] / static_cast<float>(count);
  }

 private:
  REDDIFF_HOST_DEVICE void add(std::int32_t row, std::int32_t column, float* sum) const {
    const std::int64_t plane = static_cast<std::int64_t>(picture_height) * picture_width;
    const std::int32_t left = column > 0 ? column - 1 : 0;
    const std::int32_t right = column + 1 < picture_width ? column + 1 : column;
    const std::int32_t above = row > 0 ? row - 1 : 0, below = row + 1 < picture_height ? row + 1 : row;
    const auto place = [this](std::int32_t r, std::int32_t c) {
      return static_cast<std::int64_t>(r) * picture_width + c;
    };
    float xx = 0, xy = 0, yy = 0;
    for (std::int32_t channel = 0; channel < channels; ++channel) {
      const float* values = picture + channel * plane;
      const float across = 0.5F * (values[place(row, right)] - values[place(row, left)]);
      const float down = 0.5F * (values[place(below, column)] - values[place(above, column)]);
      xx += across * across;
      xy += across * down;
      yy += down * down;
    }
    const float share = 1 / static_cast<float>(channels);
    xx *= share, xy *= share, yy *= share;
    const float u = flow[place(row, column)], v = flow[plane + place(row, column)];
    sum[0] += xx, sum[1] += xy, sum[2] += yy;
    sum[3] += xx * u + xy * v, sum[4] += xy * u + yy * v;
  }
};

// Where a pixel of a picture `length` long lies in one that is `from` long, as in LibTorch's bilinear interpolation.
struct Between {
  std::int32_t first, second;
  float share;  // of the second

  REDDIFF_HOST_DEVICE Between(std::int32_t at, std::int32_t length, std::int32_t from) {
    const float scale = static_cast<float>(from) / static_cast<float>(length);
    const float place = scale * (static_cast<float>(at) + 0.5F) - 0.5F;
    const float inside = place < 0 ? 0 : place;
    first = static_cast<std::int32_t>(inside);
    if (first > from - 1) first = from - 1;
    second = first + 1 < from ? first + 1 : first;
    share = inside - static_cast<float>(first);
  }
};

// The motion of one level, from that of the next coarser one.
struct SteadyStep {
  const float* level;   // [5,height,width]
  const float* coarse;  // [2,coarse_height,coarse_width]
  std::int32_t coarse_height, coarse_width;
  float weight, along_edges;
  float* out;  // [2,height,width]
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int64_t plane = static_cast<std::int64_t>(height) * width, at = static_cast<std::int64_t>(y) * width + x;
    const Between column(x, width, coarse_width), row(y, height, coarse_height);
    const float own = (level[at] + level[2 * plane + at]) * along_edges + weight;
    const float xx = level[at] + own, xy = level[plane + at], yy = level[2 * plane + at] + own;
    const float bx = level[3 * plane + at] + own * around(0, row, column);
    const float by = level[4 * plane + at] + own * around(1, row, column);
    const float determinant = xx * yy - xy * xy;
    out[at] = (yy * bx - xy * by) / determinant;
    out[plane + at] = (xx * by - xy * bx) / determinant;
  }

 private:
  REDDIFF_HOST_DEVICE float around(std::int64_t channel, const Between& row, const Between& column) const {
    const float* values = coarse + channel * coarse_height * coarse_width;
    const float* above = values + static_cast<std::int64_t>(row.first) * coarse_width;
    const float* below = values + static_cast<std::int64_t>(row.second) * coarse_width;
    const float upper = (1 - column.share) * above[column.first] + column.share * above[column.second];
    const float lower = (1 - column.share) * below[column.first] + column.share * below[column.second];
    return (1 - row.share) * upper + row.share * lower;
  }
};

// Where a frame repeats the last one, measured: in all of the window around a place.
struct RepeatedStep {
  const float *now, *before;          // [channels,height,width]
  const float *known, *known_before;  // [height,width], or null: all of both are known
  std::int32_t channels, radius;
  bool* out;  // [height,width]
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int64_t at = static_cast<std::int64_t>(y) * width + x;
    // The place itself first: in noise it has changed, and nothing else needs to be looked at.
    bool same = !differs(at) && (!known || known[at] > 0);
    const std::int32_t top = y > radius ? y - radius : 0, bottom = y + radius < height ? y + radius : height - 1;
    const std::int32_t left = x > radius ? x - radius : 0, right = x + radius < width ? x + radius : width - 1;
    for (std::int32_t row = top; same && row <= bottom; ++row)
      for (std::int32_t column = left; same && column <= right; ++column)
        same = !differs(static_cast<std::int64_t>(row) * width + column);
    out[at] = same;
  }

 private:
  REDDIFF_HOST_DEVICE bool differs(std::int64_t at) const {
    if (known && known[at] != known_before[at]) return true;
    if (known && !(known[at] > 0)) return false;
    const std::int64_t plane = static_cast<std::int64_t>(height) * width;
    for (std::int32_t i = 0; i < channels; ++i)
      if (now[i * plane + at] != before[i * plane + at]) return true;
    return false;
  }
};

// The update of kalman.h: o and R of this frame with what is predicted of it. Where `flow` points
// out of the last frame there is no past; where `same` says so the frame repeats the last one, and z stays.
struct FuseStep {
  const float *moved, *moved_variance;    // m [channels,height,width], P- [height,width]
  const float* flow;                      // [2,height,width]
  const float *seen, *own;                // o [channels,height,width], R [height,width]
  const bool* same;                       // [height,width], or null: nowhere
  const float *before, *before_variance;  // z and P of the last frame
  float same_gain;                        // of P, where the frame repeats the last one
  const float* least;                     // below which P does not fall: [height,width], or one value
  bool has_one_least;
  float *z, *variance;  // [channels,height,width], [height,width]
  std::int32_t channels, height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int64_t plane = static_cast<std::int64_t>(height) * width, at = static_cast<std::int64_t>(y) * width + x;
    if (same && same[at]) {
      for (std::int32_t i = 0; i < channels; ++i) z[i * plane + at] = before[i * plane + at];
      variance[at] = before_variance[at] * same_gain;
      return;
    }
    const float gain = comes_from_inside(x, y, at, plane) ? moved_variance[at] / (moved_variance[at] + own[at]) : 1;
    for (std::int32_t i = 0; i < channels; ++i) {
      const float past = moved[i * plane + at], now = seen[i * plane + at];
      // From the nearer end, so that a gain of 1 is exact.
      z[i * plane + at] = gain < 0.5F ? past + gain * (now - past) : now - (now - past) * (1 - gain);
    }
    const float lowest = least[has_one_least ? 0 : at], fused = gain * own[at];
    variance[at] = fused < lowest ? lowest : fused;
  }

 private:
  REDDIFF_HOST_DEVICE bool comes_from_inside(std::int32_t x, std::int32_t y, std::int64_t at,
                                             std::int64_t plane) const {
    const float column = static_cast<float>(x) + flow[at], row = static_cast<float>(y) + flow[plane + at];
    return column >= -0.5F && column <= static_cast<float>(width) - 0.5F && row >= -0.5F &&
           row <= static_cast<float>(height) - 0.5F;
  }
};

}  // namespace reddiff
