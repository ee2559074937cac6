// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Pixels of a sensor that stand still while all around them changes: isolated at the same place over some frames, though every one of
// the pixels around has changed, on a ground that is flat on average over these frames, and without the halo that optics give to a star or
// a lamp. In a picture that stands still without noise nothing is found: there a hot pixel cannot be told from a drawn one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace reddiff {

struct Planes;

class HotPixels {
 public:
  // isolated: indices of this frame's isolated values in order, candidates. chance: the share of all values that are isolated; where noise
  // makes many, more frames are asked for. Returns the indices of the values that are known to be hot.
  std::vector<std::int64_t> update(const Planes& planes, const std::vector<std::int64_t>& isolated, double chance = 0);

  // Indices of the values that update() will look at beside the isolated ones, two pixels around each.
  std::vector<std::int64_t> candidates() const;

 private:
  static constexpr int around = 24;  // of 5x5 pixels

  struct Candidate {
    std::int64_t index = 0;
    std::array<float, around> last{}, changed{}, sum{};  // what is around, its changes from frame to frame, and sums
    double height = 0, halo = 0;  // sums over frames: over the ring next to it; of that ring over the next one
    int looks = 0;                // frames in these sums
    int frames = 0;               // in which it was isolated, less those in which it was not
    bool hot = false;

    double unevenness() const;
  };

  // What is around it now, and in which way it differs from that.
  struct Surroundings {
    double value, ring = 0, outer = 0;  // means of the 8 pixels next to it and of the 16 next to those
    float ring_high = -2, ring_low = 2;
    float change = 0;  // over all of them, since the last frame
    bool bright() const { return value > ring; }
    bool isolates() const;
  };

  // Values and the pixels next to them alone.
  static Surroundings look_at_ring(const Planes& planes, std::int64_t index);

  static Surroundings look_around(const Planes& planes, Candidate& candidate);

  // false: nothing to see any more.
  static bool look(const Planes& planes, Candidate& candidate, int enough_frames);

  std::vector<Candidate> candidates_, next_;  // in order of their index; next_: of the frame that is being looked at
};

}  // namespace reddiff
