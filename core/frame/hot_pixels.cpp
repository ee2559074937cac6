// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/hot_pixels.h"

#include <algorithm>
#include <cmath>

#include "core/frame/impulse.h"

namespace reddiff {
namespace {

constexpr int enough_frames = 3;              // with changes around, after the first
constexpr float still_there = 0.12F;          // of the values, over all neighbours or under them
constexpr float changed_per_frame = 0.016F;   // on average over those around: two code values
constexpr float each_changed = 0.016F;        // of every one around, over all frames
constexpr double most_halo = 0.06;            // of the height
constexpr std::int64_t most_candidates = 64;  // one in so many values

}  // namespace

bool HotPixels::look(const Planes& planes, std::int64_t index, Candidate& candidate) {
  const std::int64_t x = index % planes.width, y = index / planes.width % planes.height;
  const float value = planes.values[index];
  float ring_high = -2, ring_low = 2, total_change = 0;
  double ring = 0, outer = 0;
  int i = 0, outer_count = 0;
  for (std::int64_t dy = -2; dy <= 2; ++dy)
    for (std::int64_t dx = -2; dx <= 2; ++dx) {
      if (dx == 0 && dy == 0) continue;
      const bool inside = y + dy >= 0 && y + dy < planes.height && x + dx >= 0 && x + dx < planes.width;
      const bool next = std::max(std::abs(dx), std::abs(dy)) == 1;
      const float now = inside ? planes.values[index + dy * planes.width + dx] : 0.0F;
      const float change = inside ? std::abs(now - candidate.last[i]) : changed_per_frame;
      candidate.last[i] = now;
      if (candidate.frames > 0) candidate.changed[i] += change;
      total_change += change;
      ++i;
      if (next) {
        ring += now;
        ring_high = std::max(ring_high, now);
        ring_low = std::min(ring_low, now);
      } else if (inside) {
        outer += now;
        ++outer_count;
      }
    }
  ring /= 8;
  outer /= std::max(outer_count, 1);
  const double side = value > ring ? 1 : -1;
  const bool isolated = side > 0 ? value - ring_high > still_there : ring_low - value > still_there;
  if (!isolated) {
    // Where the picture is as bright as the pixel nothing can be seen of it.
    const bool hidden = candidate.hot && (side > 0 ? ring_high : -ring_low) > 1 - 2 * still_there;
    return hidden || --candidate.frames > 0;
  }
  const bool first = candidate.frames == 0;
  if (first || total_change > changed_per_frame * around) candidate.frames = std::min(candidate.frames + 1, 8);
  candidate.height += side * (value - ring);
  candidate.halo += side * (ring - outer);
  const float least = *std::min_element(candidate.changed.begin(), candidate.changed.end());
  candidate.hot = candidate.hot || (candidate.frames > enough_frames && least > each_changed &&
                                    std::abs(candidate.halo) < most_halo * candidate.height);
  return true;
}

std::vector<std::int64_t> HotPixels::update(const Planes& planes, const std::vector<std::int64_t>& isolated) {
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1024, planes.size() / most_candidates));
  for (const std::int64_t index : isolated) {
    if (candidates_.size() >= most) break;
    candidates_.try_emplace(index);
  }
  std::vector<std::int64_t> hot;
  for (auto it = candidates_.begin(); it != candidates_.end();) {
    if (!look(planes, it->first, it->second)) {
      it = candidates_.erase(it);
      continue;
    }
    if (it->second.hot) hot.push_back(it->first);
    ++it;
  }
  return hot;
}

}  // namespace reddiff
