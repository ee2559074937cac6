// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/jpeg_tables.h"

#include <algorithm>

namespace reddiff {

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
