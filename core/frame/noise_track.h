// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The noise level of a video from estimates of single frames: their variances averaged over about eight frames, so that strength does
// not breathe, and afresh where the level jumps. It crosses a border, where other ways of solving begin, only when it has gone beyond it
// by a fifth: until then it stands at the border, on the side it was.
#pragma once

namespace reddiff {

class NoiseTrack {
 public:
  // border: in the unit of the estimates.
  explicit NoiseTrack(double border) : border_(border) {}

  // estimate: deviation found in this frame. Returns the level to use for it.
  double update(double estimate);

  // A new scene begins with the frame of the last update.
  void restart();

 private:
  double border_;
  double variance_ = 0, last_ = 0;
  int frames_ = 0;
  bool above_ = false;
};

}  // namespace reddiff
