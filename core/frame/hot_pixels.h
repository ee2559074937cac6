// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Pixels of a sensor that stand still while all around them changes: isolated at the same place over some frames, though every one of
// the pixels around has changed, and without the halo that optics give to a star or a lamp. In a picture that stands still without
// noise nothing is found: there a hot pixel cannot be told from a drawn one.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace reddiff {

struct Planes;

class HotPixels {
 public:
  // isolated: indices of this frame's isolated values, candidates. Returns the indices of the values that are known to be hot.
  std::vector<std::int64_t> update(const Planes& planes, const std::vector<std::int64_t>& isolated);

 private:
  static constexpr int around = 24;  // of 5x5 pixels

  struct Candidate {
    std::array<float, around> last{}, changed{};  // values around, and the sum of their changes from frame to frame
    double height = 0, halo = 0;  // sums over frames: over the ring next to it; of that ring over the next one
    int frames = 0;               // in which it was isolated, less those in which it was not
    bool hot = false;
  };

  // false: nothing to see any more.
  static bool look(const Planes& planes, std::int64_t index, Candidate& candidate);

  std::unordered_map<std::int64_t, Candidate> candidates_;
};

}  // namespace reddiff
