// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/jpeg_tables.h"

#include <algorithm>

namespace reddiff {
namespace {

// Row by row, of luma and of chroma.
constexpr std::array<int, 64> luma_steps{16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                         14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                         18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                         49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};
constexpr std::array<int, 64> chroma_steps{17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
                                           24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
                                           99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
                                           99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99};

}  // namespace

JpegTables usual_tables(int quality, int subsampling) {
  JpegTables tables;
  tables.planes = 3;
  const int percent = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  for (std::size_t plane = 0; plane < 3; ++plane)
    for (std::size_t i = 0; i < 64; ++i) {
      const int step = (plane == 0 ? luma_steps : chroma_steps)[i];
      tables.plane[plane].steps[i] = static_cast<std::uint16_t>(std::clamp((step * percent + 50) / 100, 1, 255));
    }
  tables.plane[0].horizontal = subsampling == 444 ? 1 : 2;
  tables.plane[0].vertical = subsampling == 420 ? 2 : 1;
  return tables;
}

bool is_valid(const JpegTables& tables) {
  if (tables.width < 1 || tables.height < 1 || (tables.planes != 1 && tables.planes != 3)) return false;
  const auto is_good = [](const JpegTables::Plane& plane) {
    const auto is_factor = [](int factor) { return factor >= 1 && factor <= 4; };
    return is_factor(plane.horizontal) && is_factor(plane.vertical) &&
           std::find(plane.steps.begin(), plane.steps.end(), 0) == plane.steps.end();
  };
  return std::all_of(tables.plane.begin(), tables.plane.begin() + tables.planes, is_good);
}

}  // namespace reddiff
