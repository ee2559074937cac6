// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The steps of a patch search: each writes one picture of width x height, place by place and in any order. A step is called
// with a place; patch_flow.cpp loops over them, patch_flow.cu starts a thread for each. Pointers into the memory of one device;
// what a step writes overlaps nothing it reads.
#pragma once

#include <cstdint>

#include "core/temporal/patch_search.h"

namespace reddiff {

// out: [2,height,width].
REDDIFF_HOST_DEVICE inline void write_vector(float* out, std::int32_t height, std::int32_t width, std::int32_t x,
                                             std::int32_t y, Vector vector) {
  const std::int64_t place = offset_of(x, y, width);
  out[place] = vector.u;
  out[static_cast<std::int64_t>(height) * width + place] = vector.v;
}

// picture: [3,height,width], [-1,1].
struct GreyStep {
  const float* picture;
  float* out;
  std::int32_t height, width;
  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    const std::int64_t plane = static_cast<std::int64_t>(height) * width, place = offset_of(x, y, width);
    out[place] = grey_value(picture[place], picture[plane + place], picture[2 * plane + place]);
  }
};

// picture_width: that of the picture to be halved.
struct HalfStep {
  const float* picture;
  std::int32_t picture_width;
  float* out;
  std::int32_t height, width;
  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    out[offset_of(x, y, width)] = half_value(picture, picture_width, x, y);
  }
};

struct SlopeStep {
  const float* picture;
  float* out;  // [2,height,width]
  std::int32_t height, width;
  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    write_vector(out, height, width, x, y, slopes_at(picture, height, width, x, y));
  }
};

// out: [2,height,width], the vectors of all patches.
struct SearchStep {
  SearchLevel level;
  VectorField coarse;
  float* out;
  std::int32_t height, width;
  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    write_vector(out, height, width, x, y, search_patch(level, coarse, x, y));
  }
};

struct NeighbourStep {
  SearchLevel level;
  VectorField patches;
  float* out;  // as `patches`
  std::int32_t height, width;
  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    write_vector(out, height, width, x, y, ask_neighbours(level, patches, x, y));
  }
};

struct PixelStep {
  SearchLevel level;
  VectorField patches;
  float* out;  // [2,height,width], the flow of the level
  std::int32_t height, width;
  REDDIFF_HOST_DEVICE void operator()(std::int32_t x, std::int32_t y) const {
    write_vector(out, height, width, x, y, pixel_vector(level, patches, x, y));
  }
};

}  // namespace reddiff
