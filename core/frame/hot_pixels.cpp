// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/hot_pixels.h"

#include <algorithm>
#include <cmath>

#include "core/frame/impulse.h"

namespace reddiff {
namespace {

constexpr int least_frames = 3;               // with changes around, after the first
constexpr int most_frames = 8;                // so that one that is gone is forgotten
constexpr float still_there = 0.12F;          // of the values, over all neighbours or under them
constexpr float changed_per_frame = 0.016F;   // on average over those around: two code values
constexpr float each_changed = 0.016F;        // of every one around, over all frames
constexpr double most_halo = 0.06;            // of the height
constexpr double most_uneven = 0.25;          // of the height
constexpr std::int64_t most_candidates = 64;  // one in so many values
constexpr double by_mistake = 1e-3;           // values that chance alone may make hot

// In how many frames a value has to be isolated, so that of all values chance makes few so.
int enough_frames_at(double chance, std::int64_t values) {
  if (chance <= 0) return least_frames;
  const double frames = std::log(static_cast<double>(values) / by_mistake) / -std::log(std::min(chance, 0.5));
  return std::clamp(static_cast<int>(std::ceil(frames)) - 1, least_frames, most_frames - 1);
}

}  // namespace

bool HotPixels::Surroundings::isolates() const {
  return bright() ? value - ring_high > still_there : ring_low - value > still_there;
}

HotPixels::Surroundings HotPixels::look_at_ring(const Planes& planes, std::int64_t index) {
  const std::int64_t x = index % planes.width, y = index / planes.width % planes.height;
  Surroundings found{planes.values[index]};
  for (std::int64_t dy = -1; dy <= 1; ++dy)
    for (std::int64_t dx = -1; dx <= 1; ++dx) {
      if (dx == 0 && dy == 0) continue;
      const bool inside = y + dy >= 0 && y + dy < planes.height && x + dx >= 0 && x + dx < planes.width;
      const float now = inside ? planes.values[index + dy * planes.width + dx] : 0.0F;
      found.ring += now / 8;
      found.ring_high = std::max(found.ring_high, now);
      found.ring_low = std::min(found.ring_low, now);
    }
  return found;
}

HotPixels::Surroundings HotPixels::look_around(const Planes& planes, Candidate& candidate) {
  const std::int64_t index = candidate.index;
  const std::int64_t x = index % planes.width, y = index / planes.width % planes.height;
  Surroundings found{planes.values[index]};
  int i = 0, outer_count = 0;
  for (std::int64_t dy = -2; dy <= 2; ++dy)
    for (std::int64_t dx = -2; dx <= 2; ++dx) {
      if (dx == 0 && dy == 0) continue;
      const bool inside = y + dy >= 0 && y + dy < planes.height && x + dx >= 0 && x + dx < planes.width;
      const float now = inside ? planes.values[index + dy * planes.width + dx] : 0.0F;
      const float change = inside ? std::abs(now - candidate.last[i]) : changed_per_frame;
      if (candidate.looks > 0) candidate.changed[i] += change;
      candidate.last[i] = now;
      candidate.sum[i] += now;
      found.change += change;
      ++i;
      if (std::max(std::abs(dx), std::abs(dy)) == 1) {
        found.ring += now / 8;
        found.ring_high = std::max(found.ring_high, now);
        found.ring_low = std::min(found.ring_low, now);
      } else if (inside) {
        found.outer += now;
        ++outer_count;
      }
    }
  found.outer /= std::max(outer_count, 1);
  ++candidate.looks;
  return found;
}

// Of the eight pixels next to it, on average over time.
double HotPixels::Candidate::unevenness() const {
  constexpr int ring[] = {6, 7, 8, 11, 12, 15, 16, 17};
  float high = sum[ring[0]], low = high;
  for (const int i : ring) {
    high = std::max(high, sum[i]);
    low = std::min(low, sum[i]);
  }
  return high - low;
}

bool HotPixels::look(const Planes& planes, Candidate& candidate, int enough_frames) {
  // In noise most are gone in the next frame: then nothing else about them matters.
  const bool may_go = candidate.looks > 0 && !candidate.hot && candidate.frames <= 1;
  if (may_go && !look_at_ring(planes, candidate.index).isolates()) return false;
  const Surroundings now = look_around(planes, candidate);
  const double side = now.bright() ? 1 : -1;
  candidate.height += side * (now.value - now.ring);
  candidate.halo += side * (now.ring - now.outer);
  if (!now.isolates()) {
    // Where the picture is as bright as the pixel nothing can be seen of it.
    const bool hidden = candidate.hot && (now.bright() ? now.ring_high : -now.ring_low) > 1 - 2 * still_there;
    return hidden || --candidate.frames > 0;
  }
  if (candidate.frames == 0 || now.change > changed_per_frame * around)
    candidate.frames = std::min(candidate.frames + 1, most_frames);
  const float least = *std::min_element(candidate.changed.begin(), candidate.changed.end());
  candidate.hot = candidate.hot || (candidate.frames > enough_frames && least > each_changed &&
                                    std::abs(candidate.halo) < most_halo * candidate.height &&
                                    candidate.unevenness() < most_uneven * candidate.height);
  return true;
}

std::vector<std::int64_t> HotPixels::candidates() const {
  std::vector<std::int64_t> indices;
  for (const Candidate& candidate : candidates_) indices.push_back(candidate.index);
  return indices;
}

std::vector<std::int64_t> HotPixels::update(const Planes& planes, const std::vector<std::int64_t>& isolated,
                                            double chance) {
  const int enough = enough_frames_at(chance, planes.size());
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1024, planes.size() / most_candidates));
  std::size_t room = most - std::min(most, candidates_.size());
  std::vector<std::int64_t> hot;
  const auto keep = [&](Candidate& candidate) {
    if (!look(planes, candidate, enough)) return;
    if (candidate.hot) hot.push_back(candidate.index);
    next_.push_back(candidate);
  };
  next_.clear();
  auto known = candidates_.begin();
  for (const std::int64_t index : isolated) {
    for (; known != candidates_.end() && known->index < index; ++known) keep(*known);
    if (room == 0 || (known != candidates_.end() && known->index == index)) continue;
    --room;
    Candidate candidate{index};
    keep(candidate);
  }
  for (; known != candidates_.end(); ++known) keep(*known);
  candidates_.swap(next_);
  return hot;
}

}  // namespace reddiff
