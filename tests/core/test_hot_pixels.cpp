// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Hot pixels are found as by the plain rule: every candidate is looked at in full in every frame, in no order.
#include "core/frame/hot_pixels.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/frame/impulse.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

struct PlainCandidate {
  std::array<float, 24> last{}, changed{}, sum{};
  double height = 0, halo = 0;
  int looks = 0, frames = 0;
  bool hot = false;
};

struct PlainSurroundings {
  double value, ring = 0, outer = 0;
  float ring_high = -2, ring_low = 2, change = 0;
};

PlainSurroundings look_around(const Planes& planes, std::int64_t index, PlainCandidate& candidate) {
  const std::int64_t x = index % planes.width, y = index / planes.width % planes.height;
  PlainSurroundings found{planes.values[index]};
  int i = 0, outer_count = 0;
  for (std::int64_t dy = -2; dy <= 2; ++dy)
    for (std::int64_t dx = -2; dx <= 2; ++dx) {
      if (dx == 0 && dy == 0) continue;
      const bool inside = y + dy >= 0 && y + dy < planes.height && x + dx >= 0 && x + dx < planes.width;
      const float now = inside ? planes.values[index + dy * planes.width + dx] : 0.0F;
      const float change = inside ? std::abs(now - candidate.last[i]) : 0.016F;
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

double unevenness(const PlainCandidate& candidate) {
  std::vector<float> ring;
  for (const int i : {6, 7, 8, 11, 12, 15, 16, 17}) ring.push_back(candidate.sum[i]);
  return *std::max_element(ring.begin(), ring.end()) - *std::min_element(ring.begin(), ring.end());
}

bool look(const Planes& planes, std::int64_t index, PlainCandidate& candidate) {
  const PlainSurroundings now = look_around(planes, index, candidate);
  const bool bright = now.value > now.ring;
  const double side = bright ? 1 : -1;
  candidate.height += side * (now.value - now.ring);
  candidate.halo += side * (now.ring - now.outer);
  if (!(bright ? now.value - now.ring_high > 0.12F : now.ring_low - now.value > 0.12F)) {
    const bool hidden = candidate.hot && (bright ? now.ring_high : -now.ring_low) > 1 - 2 * 0.12F;
    return hidden || --candidate.frames > 0;
  }
  if (candidate.frames == 0 || now.change > 0.016F * 24) candidate.frames = std::min(candidate.frames + 1, 8);
  const float least = *std::min_element(candidate.changed.begin(), candidate.changed.end());
  candidate.hot =
      candidate.hot || (candidate.frames > 3 && least > 0.016F && std::abs(candidate.halo) < 0.06 * candidate.height &&
                        unevenness(candidate) < 0.25 * candidate.height);
  return true;
}

class PlainHotPixels {
 public:
  std::vector<std::int64_t> update(const Planes& planes, const std::vector<std::int64_t>& isolated) {
    const auto most = static_cast<std::size_t>(std::max<std::int64_t>(1024, planes.size() / 64));
    for (const std::int64_t index : isolated) {
      if (candidates_.size() >= most) break;
      candidates_.try_emplace(index);
    }
    std::vector<std::int64_t> hot;
    for (auto it = candidates_.begin(); it != candidates_.end();) {
      if (look(planes, it->first, it->second)) {
        if (it->second.hot) hot.push_back(it->first);
        ++it;
      } else {
        it = candidates_.erase(it);
      }
    }
    std::sort(hot.begin(), hot.end());
    return hot;
  }

 private:
  std::unordered_map<std::int64_t, PlainCandidate> candidates_;
};

constexpr std::int64_t rows = 96, columns = 128, frames = 14;

at::Tensor video_frame(int t, double level, bool with_hot) {
  auto picture = scene(rows + frames, columns + frames, 3).narrow(2, t, rows).narrow(3, t, columns) * 0.6;
  picture = picture + noise({1, 3, rows, columns}, 50 + static_cast<std::uint64_t>(t)) * (level * 2 / 255);
  if (with_hot)
    for (std::int64_t i = 0; i < 30; ++i) picture[0][i % 3][(i * 37) % rows][(i * 53) % columns] = i % 4 == 0 ? -1 : 1;
  return picture.clamp(-1, 1).contiguous();
}

// Also where there are more candidates than room.
TEST(HotPixels, AreThoseOfThePlainRule) {
  std::size_t found = 0;
  for (const double level : {0.0, 5.0, 20.0, 70.0}) {
    HotPixels quick;
    PlainHotPixels plain;
    for (int t = 0; t < frames; ++t) {
      const auto picture = video_frame(t, level, t < 10);
      const Planes planes{picture.const_data_ptr<float>(), 3, rows, columns};
      const auto isolated = count_isolated(planes, 1 + t % 2, 2).isolated;
      const auto hot = quick.update(planes, isolated);
      EXPECT_EQ(hot, plain.update(planes, isolated)) << level << " " << t;
      found += hot.size();
    }
  }
  EXPECT_GT(found, 100U);
}

// More in every frame than there is room for.
TEST(HotPixels, AreThoseOfThePlainRuleWithoutRoom) {
  HotPixels quick;
  PlainHotPixels plain;
  for (int t = 0; t < frames; ++t) {
    const auto picture = video_frame(t, 70, true);
    const Planes planes{picture.const_data_ptr<float>(), 3, rows, columns};
    std::vector<std::int64_t> everywhere;
    for (std::int64_t i = t % 3; i < planes.size(); i += 3) everywhere.push_back(i);
    EXPECT_EQ(quick.update(planes, everywhere), plain.update(planes, everywhere)) << t;
  }
}

}  // namespace
}  // namespace reddiff
