// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Dense inverse search (Kroeger et al., arXiv 1603.03590), one patch or pixel at a time: its equations, and nothing of loops
// over pictures. The loops of patch_flow.cpp and the kernels of patch_flow.cu both run these functions, so what the tests show
// on the CPU holds for the kernels' arithmetic.
//
// Patches are squares of `to` on a grid. Each has one vector, which minimises the squared difference from `from` less its mean
// (section 2.1): a step of Gauss-Newton takes the slopes and the Hessian of the patch in `to`, which do not move. A GPU has no
// order in which patches could learn from their neighbours, so a patch tries what the coarser level found around it, and once
// all have searched, what its neighbours found. A pixel takes the mean of the patches around it by their errors (section 2.2).
//
// Pictures are grey, 0..255 and finite, so nothing here ever is infinite or no number; samples outside repeat the border.
#pragma once

#include <cstdint>

#include "core/api/host_device.h"
#include "core/temporal/warp_pixel.h"

namespace reddiff {

inline constexpr std::int32_t patch_side = 8, patch_stride = 4;
inline constexpr float patch_area = patch_side * patch_side;

// Added to the squared slopes of a patch: what is flat, or has an edge of one direction only, shall not slide along on noise.
inline constexpr float slope_floor = patch_area;
inline constexpr int most_descents = 6;

// Where there is noise, every vector fits it a little better than the right one. So the cost of a vector grows by this share per
// squared pixel from where its search started, and a neighbour's is taken only if it leaves less than this part of the cost.
inline constexpr float caution = 0.1F, convincing = 0.9F;
// Patches on each side of those that hold a pixel which count for it, too.
inline constexpr std::int32_t reach = 1;

struct Vector {
  float u, v;
};

// Two pictures [height,width] and the slopes of the first, [2,height,width].
struct SearchLevel {
  const float *to, *from, *slopes;
  std::int32_t height, width;
};

// [2,height,width]: a flow, or the vectors of a grid of patches.
struct VectorField {
  const float* values;
  std::int32_t height, width;
};

REDDIFF_HOST_DEVICE inline std::int64_t offset_of(std::int32_t x, std::int32_t y, std::int32_t width) {
  return static_cast<std::int64_t>(y) * width + x;
}

REDDIFF_HOST_DEVICE inline Vector vector_at(const VectorField& field, std::int32_t x, std::int32_t y) {
  const std::int64_t place = offset_of(within(x, field.width), within(y, field.height), field.width);
  return {field.values[place], field.values[static_cast<std::int64_t>(field.height) * field.width + place]};
}

// ---- pictures

// BT.601 luma of [-1,1]; no number counts as grey.
REDDIFF_HOST_DEVICE inline float grey_value(float red, float green, float blue) {
  const float grey = 127.5F * (0.299F * red + 0.587F * green + 0.114F * blue) + 127.5F;
  if (!(grey >= 0 || grey < 0)) return 127.5F;
  return grey < 0 ? 0 : (grey > 255 ? 255 : grey);
}

// Of the picture of half the size; an odd last row or column of `picture` is left out.
REDDIFF_HOST_DEVICE inline float half_value(const float* picture, std::int32_t width, std::int32_t x, std::int32_t y) {
  const float *upper = picture + offset_of(2 * x, 2 * y, width), *lower = upper + width;
  return 0.25F * ((upper[0] + upper[1]) + (lower[0] + lower[1]));
}

// Per pixel, from the columns (rows) on both sides, smoothed across by 1 2 1.
REDDIFF_HOST_DEVICE inline Vector slopes_at(const float* picture, std::int32_t height, std::int32_t width,
                                            std::int32_t x, std::int32_t y) {
  const float* rows[3];
  std::int32_t columns[3];
  for (std::int32_t i = 0; i < 3; ++i) {
    rows[i] = picture + offset_of(0, within(y + i - 1, height), width);
    columns[i] = within(x + i - 1, width);
  }
  const auto down = [&](std::int32_t j) { return rows[0][columns[j]] + 2 * rows[1][columns[j]] + rows[2][columns[j]]; };
  const auto across = [&](std::int32_t i) {
    return rows[i][columns[0]] + 2 * rows[i][columns[1]] + rows[i][columns[2]];
  };
  return {0.125F * (down(2) - down(0)), 0.125F * (across(2) - across(0))};
}

// ---- patches

// Patches along one side of a picture; the last one is moved back so that it ends at the border. length >= patch_side.
REDDIFF_HOST_DEVICE inline std::int32_t patches_along(std::int32_t length) {
  return (length - patch_side + patch_stride - 1) / patch_stride + 1;
}

REDDIFF_HOST_DEVICE inline std::int32_t patch_place(std::int32_t index, std::int32_t length) {
  const std::int32_t place = index * patch_stride;
  return place < length - patch_side ? place : length - patch_side;
}

// Sums over a patch of d = from(x + u) - to(x).
struct PatchSums {
  float difference, squared;
  Vector along;  // d times the slopes
};

// One row of `from` at the columns a patch takes, between two samples each.
REDDIFF_HOST_DEVICE inline void moved_row(const SearchLevel& level, const AxisTaps<float, 2>& across, std::int32_t y,
                                          float (&row)[patch_side]) {
  const float* from = level.from + offset_of(0, within(y, level.height), level.width);
  float samples[patch_side + 1];
  if (across.first >= 0 && across.first + patch_side < level.width)
    for (std::int32_t j = 0; j <= patch_side; ++j) samples[j] = from[across.first + j];
  else
    for (std::int32_t j = 0; j <= patch_side; ++j) samples[j] = from[within(across.first + j, level.width)];
  for (std::int32_t j = 0; j < patch_side; ++j)
    row[j] = across.weight[0] * samples[j] + across.weight[1] * samples[j + 1];
}

// x, y: the patch's first pixel. Without slopes `along` is 0.
template <bool with_slopes> REDDIFF_HOST_DEVICE inline PatchSums compare_patch(const SearchLevel& level, std::int32_t x,
                                                                               std::int32_t y, Vector vector) {
  const auto across = axis_taps<2>(x, vector.u, level.width), down = axis_taps<2>(y, vector.v, level.height);
  const std::int64_t plane = static_cast<std::int64_t>(level.height) * level.width;
  float upper[patch_side], lower[patch_side];
  moved_row(level, across, down.first, upper);
  PatchSums sums{0, 0, {0, 0}};
  for (std::int32_t i = 0; i < patch_side; ++i) {
    moved_row(level, across, down.first + i + 1, lower);
    const std::int64_t row = offset_of(x, y + i, level.width);
    for (std::int32_t j = 0; j < patch_side; ++j) {
      const float d = down.weight[0] * upper[j] + down.weight[1] * lower[j] - level.to[row + j];
      sums.difference += d;
      sums.squared += d * d;
      if constexpr (with_slopes) {
        sums.along.u += d * level.slopes[row + j];
        sums.along.v += d * level.slopes[plane + row + j];
      }
      upper[j] = lower[j];
    }
  }
  return sums;
}

// What a vector leaves unexplained: brightness may change, so the mean is not counted.
REDDIFF_HOST_DEVICE inline float cost_of(const PatchSums& sums) {
  return sums.squared - sums.difference * sums.difference / patch_area;
}

REDDIFF_HOST_DEVICE inline float cost_of(const SearchLevel& level, std::int32_t x, std::int32_t y, Vector vector) {
  return cost_of(compare_patch<false>(level, x, y, vector));
}

// Mean slopes of a patch and the Hessian of its cost.
struct PatchShape {
  Vector mean;
  float xx, xy, yy;
};

REDDIFF_HOST_DEVICE inline PatchShape shape_of(const SearchLevel& level, std::int32_t x, std::int32_t y) {
  const std::int64_t plane = static_cast<std::int64_t>(level.height) * level.width;
  Vector sum{0, 0};
  float xx = slope_floor, xy = 0, yy = slope_floor;
  for (std::int32_t i = 0; i < patch_side; ++i) {
    const std::int64_t row = offset_of(x, y + i, level.width);
    for (std::int32_t j = 0; j < patch_side; ++j) {
      const float u = level.slopes[row + j], v = level.slopes[plane + row + j];
      sum.u += u;
      sum.v += v;
      xx += u * u;
      xy += u * v;
      yy += v * v;
    }
  }
  const Vector mean{sum.u / patch_area, sum.v / patch_area};
  return {mean, xx - sum.u * mean.u, xy - sum.u * mean.v, yy - sum.v * mean.v};
}

// Gauss-Newton on cost * (1 + caution * distance^2), the distance being that from `start`, as long as it falls; never further
// away than a patch, where chance would find a match.
REDDIFF_HOST_DEVICE inline Vector descend(const SearchLevel& level, std::int32_t x, std::int32_t y, Vector start) {
  constexpr float shortest_squared = 1e-5F;
  const PatchShape shape = shape_of(level, x, y);
  Vector vector = start, best = start;
  float lowest = 0;
  for (int k = 0; k <= most_descents; ++k) {
    const Vector away{vector.u - start.u, vector.v - start.v};
    const float distance_squared = away.u * away.u + away.v * away.v;
    if (!(distance_squared <= patch_area)) break;
    const PatchSums sums = compare_patch<true>(level, x, y, vector);
    const float cost = cost_of(sums), growth = 1 + caution * distance_squared, energy = cost * growth;
    if (k > 0 && !(energy < lowest)) break;
    lowest = energy;
    best = vector;
    const float pull = caution * cost / growth;
    const float xx = shape.xx + pull, yy = shape.yy + pull, determinant = xx * yy - shape.xy * shape.xy;
    const float along_u = sums.along.u - shape.mean.u * sums.difference + pull * away.u;
    const float along_v = sums.along.v - shape.mean.v * sums.difference + pull * away.v;
    const Vector step{(yy * along_u - shape.xy * along_v) / determinant,
                      (xx * along_v - shape.xy * along_u) / determinant};
    if (!(step.u * step.u + step.v * step.v > shortest_squared)) break;
    vector = {vector.u - step.u, vector.v - step.v};
  }
  return best;
}

// Of a flow of half the size, at a place of this level's grid, in this level's pixels.
REDDIFF_HOST_DEVICE inline Vector coarse_vector(const VectorField& coarse, float x, float y) {
  PixelTaps<float, 2> taps{axis_taps<2>(0, 0.5F * x - 0.25F, coarse.width),
                           axis_taps<2>(0, 0.5F * y - 0.25F, coarse.height), false, false};
  const std::int64_t plane = static_cast<std::int64_t>(coarse.height) * coarse.width;
  return {2 * sample(coarse.values, taps, coarse.width, coarse.height),
          2 * sample(coarse.values + plane, taps, coarse.width, coarse.height)};
}

// The vector of one patch. coarse.values: null at the coarsest level, where every patch starts from rest.
REDDIFF_HOST_DEVICE inline Vector search_patch(const SearchLevel& level, const VectorField& coarse, std::int32_t column,
                                               std::int32_t row) {
  const std::int32_t x = patch_place(column, level.width), y = patch_place(row, level.height);
  Vector start{0, 0};
  if (coarse.values == nullptr) return descend(level, x, y, start);
  constexpr float half = 0.5F * (patch_side - 1);
  float lowest = cost_of(level, x, y, start);
  for (int k = 0; k < 5; ++k) {  // the patch's own middle last: it wins a tie
    const float right = k == 0 ? patch_side : (k == 1 ? -patch_side : 0);
    const float below = k == 2 ? patch_side : (k == 3 ? -patch_side : 0);
    const Vector vector =
        coarse_vector(coarse, static_cast<float>(x) + half + right, static_cast<float>(y) + half + below);
    const float cost = cost_of(level, x, y, vector);
    if (k == 4 ? cost <= lowest : cost < lowest) {
      lowest = cost;
      start = vector;
    }
  }
  return descend(level, x, y, start);
}

// The vector of one patch, or a better one that starts from what one of its eight neighbours has.
REDDIFF_HOST_DEVICE inline Vector ask_neighbours(const SearchLevel& level, const VectorField& patches,
                                                 std::int32_t column, std::int32_t row) {
  const std::int32_t x = patch_place(column, level.width), y = patch_place(row, level.height);
  Vector best = vector_at(patches, column, row);
  float lowest = convincing * cost_of(level, x, y, best);
  bool found = false;
  for (std::int32_t k = 0; k < 9; ++k) {
    if (k == 4) continue;  // itself
    const Vector vector = vector_at(patches, column + k % 3 - 1, row + k / 3 - 1);
    const float cost = cost_of(level, x, y, vector);
    if (!(cost < lowest)) continue;
    lowest = cost;
    best = vector;
    found = true;
  }
  return found ? descend(level, x, y, best) : best;
}

// ---- pixels

// The patches along one side that count for a pixel.
struct PatchRange {
  std::int32_t first, last;
};

REDDIFF_HOST_DEVICE inline PatchRange patches_around(std::int32_t place, std::int32_t length, std::int32_t patches) {
  const std::int32_t first = place < patch_side ? 0 : (place - patch_side) / patch_stride + 1;
  std::int32_t last = first;
  while (last + 1 < patches && patch_place(last + 1, length) <= place) ++last;
  return {within(first - reach, patches), within(last + reach, patches)};
}

// Mean of the vectors of the patches around a pixel; a vector that leaves a difference of d > 1 there counts 1/d^2.
REDDIFF_HOST_DEVICE inline Vector pixel_vector(const SearchLevel& level, const VectorField& patches, std::int32_t x,
                                               std::int32_t y) {
  const float to = level.to[offset_of(x, y, level.width)];
  const PatchRange rows = patches_around(y, level.height, patches.height);
  const PatchRange columns = patches_around(x, level.width, patches.width);
  float u = 0, v = 0, weights = 0;
  for (std::int32_t row = rows.first; row <= rows.last; ++row)
    for (std::int32_t column = columns.first; column <= columns.last; ++column) {
      const Vector vector = vector_at(patches, column, row);
      const auto taps = pixel_taps<2>(x, y, vector.u, vector.v, level.width, level.height);
      const float d = sample(level.from, taps, level.width, level.height) - to;
      const float weight = d * d > 1 ? 1 / (d * d) : 1;
      u += weight * vector.u;
      v += weight * vector.v;
      weights += weight;
    }
  return {u / weights, v / weights};
}

}  // namespace reddiff
