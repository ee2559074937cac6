// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/levels.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace reddiff {

Level make_level(const std::vector<double>& levels, int step, const Start& start) {
  const auto [lowest, highest] = std::minmax_element(levels.begin(), levels.end());
  const double high = *highest, now = levels[step], low = *lowest;
  Level level{step, now, {}};
  if (!start.level.defined()) {
    level.sigma = at::full({1, 1, 1, 1}, now, start.mu.options());
    return level;
  }
  level.sigma = start.level * (now / high);
  if (high > low) {
    const double way = std::log(now / low) / std::log(high / low);  // 1 at the highest level, 0 at the lowest
    level.sigma = at::where(start.level > high, (start.level / low).pow(way) * low, level.sigma);
  }
  return level;
}

}  // namespace reddiff
