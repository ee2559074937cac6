// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One pixel of a warp: which samples it takes, with which weights, and their sum. The loops of warp.cpp and the kernel of
// warp.cu both run these functions, so what the tests show on the CPU holds for the kernel's arithmetic.
//
// The displacement is split into whole pixels and a rest before it meets the pixel's own place: the rest keeps all of the
// float's digits however wide the picture is, and whole pixels are exact.
#pragma once

#include <cstdint>

#include "core/api/host_device.h"

namespace reddiff {

// Samples along one axis. `first` may lie outside the picture.
template <typename T, int count> struct AxisTaps {
  std::int32_t first;
  T weight[count];
};

template <typename T, int count> struct PixelTaps {
  AxisTaps<T, count> across, down;
  bool inside;  // all of them lie in the picture
  bool still;   // no motion: the pixel is copied, not resampled frame after frame
};

// t: 0..1, how far the place lies behind the sample it follows.
template <typename T> REDDIFF_HOST_DEVICE inline void set_weights(T t, T (&weight)[2]) {
  weight[0] = 1 - t;
  weight[1] = t;
}

// Cubic convolution (Keys) with a = -0.75. At t = 0 the weights are 0, 1, 0, 0 to the bit.
template <typename T> REDDIFF_HOST_DEVICE inline void set_weights(T t, T (&weight)[4]) {
  constexpr T a = static_cast<T>(-0.75);
  const T s = 1 - t;
  weight[0] = a * t * s * s;
  weight[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  weight[2] = ((a + 2) * s - (a + 3)) * s * s + 1;
  weight[3] = a * s * t * t;
}

// place: 0..length-1; length < 2^24. A displacement that is no number counts as 0; one beyond the picture, infinite ones
// included, as one that takes the border's sample.
template <int count, typename T>
REDDIFF_HOST_DEVICE inline AxisTaps<T, count> axis_taps(std::int32_t place, T displacement, std::int32_t length) {
  const T limit = static_cast<T>(length + count);
  T d = displacement == displacement ? displacement : 0;
  d = d < -limit ? -limit : (d > limit ? limit : d);
  std::int32_t whole = static_cast<std::int32_t>(d);
  if (static_cast<T>(whole) > d) --whole;  // towards minus infinity
  AxisTaps<T, count> taps;
  taps.first = place + whole - (count / 2 - 1);
  set_weights(d - static_cast<T>(whole), taps.weight);
  return taps;
}

template <int count, typename T>
REDDIFF_HOST_DEVICE inline PixelTaps<T, count> pixel_taps(std::int32_t x, std::int32_t y, T u, T v, std::int32_t width,
                                                          std::int32_t height) {
  PixelTaps<T, count> taps{axis_taps<count>(x, u, width), axis_taps<count>(y, v, height), false, false};
  taps.inside = taps.across.first >= 0 && taps.across.first + count <= width && taps.down.first >= 0 &&
                taps.down.first + count <= height;
  taps.still = !(u < 0 || u > 0 || v < 0 || v > 0);  // no number is no motion
  return taps;
}

REDDIFF_HOST_DEVICE inline std::int32_t within(std::int32_t place, std::int32_t length) {
  return place < 0 ? 0 : (place < length ? place : length - 1);
}

// samples[i][j]: row i, column j of the neighbourhood.
template <typename T, int count>
REDDIFF_HOST_DEVICE inline T weighted_sum(const T (&samples)[count][count], const PixelTaps<T, count>& taps) {
  T column[count] = {};
  for (int i = 0; i < count; ++i)
    for (int j = 0; j < count; ++j) column[j] += taps.down.weight[i] * samples[i][j];
  for (int j = 0; j < count; ++j) column[j] *= taps.across.weight[j];
  if constexpr (count == 4) return (column[0] + column[1]) + (column[2] + column[3]);
  return column[0] + column[1];
}

// plane: [height,width] of one channel, contiguous. Samples outside it repeat its border.
template <typename T, int count> REDDIFF_HOST_DEVICE inline T sample(const T* plane, const PixelTaps<T, count>& taps,
                                                                     std::int32_t width, std::int32_t height) {
  T samples[count][count];
  if (taps.inside) {
    const T* row = plane + static_cast<std::int64_t>(taps.down.first) * width + taps.across.first;
    for (int i = 0; i < count; ++i, row += width)
      for (int j = 0; j < count; ++j) samples[i][j] = row[j];
    return weighted_sum(samples, taps);
  }
  for (int i = 0; i < count; ++i) {
    const T* row = plane + static_cast<std::int64_t>(within(taps.down.first + i, height)) * width;
    for (int j = 0; j < count; ++j) samples[i][j] = row[within(taps.across.first + j, width)];
  }
  return weighted_sum(samples, taps);
}

// Where a warp reads and writes: `picture` and `out` [channels,height,width], `flow` [2,height,width], each contiguous.
template <typename T> struct WarpPlanes {
  const T* picture;
  const T* flow;
  T* out;
  std::int64_t channels;
  std::int32_t height, width;
};

// All channels of one pixel.
template <int count, typename T>
REDDIFF_HOST_DEVICE inline void warp_pixel(const WarpPlanes<T>& p, std::int32_t x, std::int32_t y) {
  const std::int64_t plane = static_cast<std::int64_t>(p.height) * p.width;
  const std::int64_t place = static_cast<std::int64_t>(y) * p.width + x;
  const PixelTaps<T, count> taps = pixel_taps<count>(x, y, p.flow[place], p.flow[plane + place], p.width, p.height);
  for (std::int64_t c = 0; c < p.channels; ++c) {
    const T* from = p.picture + c * plane;
    p.out[c * plane + place] = taps.still ? from[place] : sample(from, taps, p.width, p.height);
  }
}

// Those of the picture `index` places behind the first.
template <typename T> REDDIFF_HOST_DEVICE inline WarpPlanes<T> image_planes(WarpPlanes<T> first, std::int64_t index) {
  const std::int64_t values = index * first.height * first.width;
  first.picture += first.channels * values;
  first.flow += 2 * values;
  first.out += first.channels * values;
  return first;
}

}  // namespace reddiff
