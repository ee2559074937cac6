// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A JPEG coder without its entropy coding, in loops and double precision: what a decoder makes of a picture, and with which tables.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

#include "core/api/jpeg_tables.h"
#include "tests/core/sample_frame.h"

namespace reddiff {

// Annex K of the standard, rows of frequencies.
inline constexpr std::array<int, 64> luma_steps{16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                                14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                                18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                                49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
inline constexpr std::array<int, 16> low_chroma_steps{17, 18, 24, 47, 18, 21, 26, 66, 24, 26, 56, 99, 47, 66, 99, 99};

inline std::array<std::uint16_t, 64> steps_at(int quality, bool chroma) {
  std::array<std::uint16_t, 64> steps{};
  const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  for (int i = 0; i < 64; ++i) {
    const int low = i / 8 < 4 && i % 8 < 4 ? low_chroma_steps[static_cast<std::size_t>(i / 8 * 4 + i % 8)] : 99;
    const int step = chroma ? low : luma_steps[static_cast<std::size_t>(i)];
    steps[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(std::clamp((step * scale + 50) / 100, 1, 255));
  }
  return steps;
}

inline double basis(int u, int x) {
  return std::sqrt((u == 0 ? 1.0 : 2.0) / 8) * std::cos(std::numbers::pi * u * (2 * x + 1) / 16);
}

using Block = std::array<double, 64>;

// The DCT, or its inverse.
inline Block transformed(const Block& block, bool inverse) {
  Block across{}, result{};
  for (int y = 0; y < 8; ++y)
    for (int u = 0; u < 8; ++u)
      for (int x = 0; x < 8; ++x)
        across[static_cast<std::size_t>(8 * y + u)] +=
            block[static_cast<std::size_t>(8 * y + x)] * (inverse ? basis(x, u) : basis(u, x));
  for (int v = 0; v < 8; ++v)
    for (int u = 0; u < 8; ++u)
      for (int y = 0; y < 8; ++y)
        result[static_cast<std::size_t>(8 * v + u)] +=
            across[static_cast<std::size_t>(8 * y + u)] * (inverse ? basis(y, v) : basis(v, y));
  return result;
}

inline double to_nearest(double value) { return std::round(value); }

// In place; `rounded` makes code values. Samples beyond the border repeat the last one.
inline void code_plane(const Component& plane, const std::array<std::uint16_t, 64>& steps, double (*rounded)(double)) {
  for (int top = 0; top < plane.height; top += 8)
    for (int left = 0; left < plane.width; left += 8) {
      Block block{};
      for (int i = 0; i < 64; ++i)
        block[static_cast<std::size_t>(i)] =
            Frame::code(plane, std::min(left + i % 8, plane.width - 1), std::min(top + i / 8, plane.height - 1)) - 128;
      block = transformed(block, false);
      for (std::size_t i = 0; i < 64; ++i) block[i] = std::round(block[i] / steps[i]) * steps[i];
      block = transformed(block, true);
      for (int i = 0; i < 64; ++i)
        if (left + i % 8 < plane.width && top + i / 8 < plane.height)
          Frame::set_code(plane, left + i % 8, top + i / 8,
                          static_cast<int>(std::clamp(rounded(block[static_cast<std::size_t>(i)]) + 128, 0.0, 255.0)));
    }
}

// The tables of a frame in Y'CbCr or gray.
inline JpegTables tables_of(const FrameView& frame, int quality) {
  JpegTables tables;
  tables.width = frame.width;
  tables.height = frame.height;
  tables.planes = frame.model == ColorModel::ycbcr ? 3 : 1;
  for (int i = 0; i < tables.planes; ++i) {
    auto& plane = tables.plane[static_cast<std::size_t>(i)];
    plane.steps = steps_at(quality, i > 0);
    if (i == 0) {
      plane.horizontal = frame.component[1].width < frame.width && tables.planes > 1 ? 2 : 1;
      plane.vertical = frame.component[1].height < frame.height && tables.planes > 1 ? 2 : 1;
    }
  }
  return tables;
}

// The frame as a decoder would give it.
inline void code_frame(const FrameView& frame, const JpegTables& tables, double (*rounded)(double) = to_nearest) {
  for (int i = 0; i < tables.planes; ++i)
    code_plane(frame.component[i], tables.plane[static_cast<std::size_t>(i)].steps, rounded);
}

}  // namespace reddiff
