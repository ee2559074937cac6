// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The noise level of a video from estimates of single frames: their variances averaged over about eight frames, so that strength does
// not breathe, and afresh where the level jumps.
#pragma once

namespace reddiff {

class NoiseTrack {
 public:
  // estimate: deviation found in this frame, any unit. Returns the level to use for it.
  double update(double estimate);

  // A new scene begins with the frame of the last update.
  void restart();

  void reset() { frames_ = 0; }

 private:
  double variance_ = 0, last_ = 0;
  int frames_ = 0;
};

}  // namespace reddiff
