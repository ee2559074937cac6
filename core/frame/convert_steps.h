// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A Y'CbCr frame in a GPU's memory read into a picture and written from one, place by place, as steps (step_runner.h): one kernel each
// way where operators take thirty. convert.cpp is the definition.
#pragma once

#include <cstdint>

#include "core/api/host_device.h"

namespace reddiff {

// Words of one component; code = offset + scale * value, clipped to [low, high] when written.
struct PlaneOfWords {
  unsigned char* data;
  std::int64_t row_stride, pixel_stride;  // bytes
  std::int32_t word_bytes, shift;         // 1 or 2; bits below the value
  std::int32_t height, width;
  float offset, scale, low, high;

  REDDIFF_HOST_DEVICE float read(std::int32_t x, std::int32_t y) const {
    const unsigned char* at = data + y * row_stride + x * pixel_stride;
    const std::int32_t word = word_bytes == 1 ? *at : *reinterpret_cast<const std::uint16_t*>(at);
    return static_cast<float>(word >> shift) * (1 / scale) - offset / scale;
  }

  REDDIFF_HOST_DEVICE void write(std::int32_t x, std::int32_t y, float value) const {
    // Half a code value up makes truncation round; what is no number becomes the lowest code.
    float code = value * scale + (offset + 0.5F);
    code = code > low + 0.5F ? code : low + 0.5F;
    code = code < high + 0.5F ? code : high + 0.5F;
    const std::int32_t word = static_cast<std::int32_t>(code) << shift;
    unsigned char* at = data + y * row_stride + x * pixel_stride;
    if (word_bytes == 1)
      *at = static_cast<unsigned char>(word);
    else
      *reinterpret_cast<std::uint16_t*>(at) = static_cast<std::uint16_t>(word);
  }
};

// How a picture's chroma lies in half as many lines or columns (chroma.cpp): at the first of two, or between them. An axis that is not
// halved is read as it is.
struct ChromaAxis {
  bool halved, cosited;
};

// Weights of up to five neighbouring samples.
struct ChromaTaps {
  std::int32_t first = 0, count = 0;
  float weight[5] = {0, 0, 0, 0, 0};

  REDDIFF_HOST_DEVICE void add(std::int32_t at, float share) { weight[at - first] += share; }
};

// Of place `at` on an axis of `length` places, as means of `samples` of them.
REDDIFF_HOST_DEVICE inline ChromaTaps chroma_taps(const ChromaAxis& axis, std::int32_t at, std::int32_t length,
                                                  std::int32_t samples) {
  ChromaTaps taps;
  if (!axis.halved) {
    taps.first = at, taps.count = 1, taps.weight[0] = 1;
    return taps;
  }
  const std::int32_t i = at / 2, last = samples - 1, pairs = length / 2;
  taps.first = i >= 1 ? i - 1 : 0;
  const std::int32_t end = i + 1 <= last ? i + 1 : last;
  taps.count = end - taps.first + 1;
  const auto repeated = [last](std::int32_t k) { return k < 0 ? 0 : (k > last ? last : k); };
  const bool odd = at % 2 == 1;
  if (!axis.cosited) {
    taps.add(i, 1);
    if (samples == 1 || (i == last && pairs < samples)) return taps;  // alone, or the lone last one
    const float side = odd ? 1.0F : -1.0F, share = i == 0 || i == last ? 0.25F : 0.125F;
    taps.add(repeated(i + 1), side * share);
    taps.add(repeated(i - 1), -side * share);
    return taps;
  }
  if (odd || pairs == 0) {
    taps.add(i, odd ? 0.5F : 1.0F);
    if (odd) taps.add(repeated(i + 1), 0.5F);
    return taps;
  }
  // 2 c - (odd left + odd right) / 2, the odd ones mirrored at the borders.
  taps.add(i, 2);
  const std::int32_t left = i > 0 ? i - 1 : 0, right = i < pairs ? i : pairs - 1;
  for (const std::int32_t k : {left, right}) {
    taps.add(k, -0.25F);
    taps.add(repeated(k + 1), -0.25F);
  }
  return taps;
}

// Gains of chroma_gains.h.
struct ColourGains {
  float cr_r, cb_g, cr_g, cb_b;
};

struct ReadYcbcrStep {
  PlaneOfWords luma, cb, cr;
  ChromaAxis down, across;
  ColourGains gains;
  float* picture;  // [3,height,width]
  std::int32_t height, width;

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const ChromaTaps rows = chroma_taps(down, y, height, cb.height);
    const ChromaTaps columns = chroma_taps(across, x, width, cb.width);
    float blue = 0, red = 0;
    for (std::int32_t r = 0; r < rows.count; ++r)
      for (std::int32_t c = 0; c < columns.count; ++c) {
        const float weight = rows.weight[r] * columns.weight[c];
        blue += weight * cb.read(columns.first + c, rows.first + r);
        red += weight * cr.read(columns.first + c, rows.first + r);
      }
    const float grey = luma.read(x, y);
    const std::int64_t plane = static_cast<std::int64_t>(height) * width, at = static_cast<std::int64_t>(y) * width + x;
    picture[at] = grey + gains.cr_r * red;
    picture[plane + at] = grey + gains.cb_g * blue + gains.cr_g * red;
    picture[2 * plane + at] = grey + gains.cb_b * blue;
  }
};

// A place is one of chroma, with the luma that belongs to it.
struct WriteYcbcrStep {
  const float* picture;  // [3,rows,columns]
  float kr, kb;
  PlaneOfWords luma, cb, cr;  // the scale of chroma takes in the gain
  ChromaAxis down, across;
  std::int32_t rows, columns;
  std::int32_t height, width;  // of chroma

  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int32_t each_row = down.halved ? 2 : 1, each_column = across.halved ? 2 : 1;
    for (std::int32_t r = each_row * y; r < each_row * y + each_row && r < rows; ++r)
      for (std::int32_t c = each_column * x; c < each_column * x + each_column && c < columns; ++c)
        luma.write(c, r, grey_at(r, c));
    float blue = 0, red = 0;
    float row_weight[3], column_weight[3];
    weights(down, y, rows, row_weight);
    weights(across, x, columns, column_weight);
    for (std::int32_t r = -1; r <= 1; ++r)
      for (std::int32_t c = -1; c <= 1; ++c) {
        const float weight = row_weight[r + 1] * column_weight[c + 1];
        if (weight == 0) continue;
        const std::int32_t row = each_row * y + r, column = each_column * x + c;
        const float grey = grey_at(row, column);
        blue += weight * (value(2, row, column) - grey);
        red += weight * (value(0, row, column) - grey);
      }
    cb.write(x, y, blue);
    cr.write(x, y, red);
  }

 private:
  REDDIFF_HOST_DEVICE float value(std::int64_t channel, std::int32_t row, std::int32_t column) const {
    return picture[(channel * rows + row) * columns + column];
  }
  REDDIFF_HOST_DEVICE float grey_at(std::int32_t row, std::int32_t column) const {
    return kr * value(0, row, column) + (1 - kr - kb) * value(1, row, column) + kb * value(2, row, column);
  }
  // Of the places before, at and after the first that belongs to sample i, mirrored at the borders.
  static REDDIFF_HOST_DEVICE void weights(const ChromaAxis& axis, std::int32_t i, std::int32_t length, float* weight) {
    weight[0] = weight[1] = weight[2] = 0;
    const bool has_second = axis.halved && 2 * i + 1 < length;
    if (!axis.halved || length == 1 || (!axis.cosited && !has_second)) {
      weight[1] = 1;
    } else if (!axis.cosited) {
      weight[1] = weight[2] = 0.5F;
    } else {
      weight[1] = 0.5F;
      weight[i > 0 ? 0 : 2] += 0.25F;
      weight[has_second ? 2 : 0] += 0.25F;
    }
  }
};

}  // namespace reddiff
