// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames whose decoder had nothing to predict them from, as packets were lost: it takes grey for that, and draws into it what every frame
// changes, until the next key frame. What it draws is right, what it draws it on is not; so the past that was shown takes its place:
//
//   the first frame:  x = m where that is known to be wrong, d elsewhere          m = warp(x', f), d the frame as decoded
//   those after it:   x = d + a warp(x' - d', g),   a = e0 / (e0 + e1)
//
// with ' for the last frame, f the last motion continued, and g the motion found between d and d', or f. e1 = box9 |d - warp(d', g)|^2 is
// how well d continues what was decoded, e0 the same of what was shown: where the stream repairs itself a goes to 0. A frame that over a
// tenth of it continues nothing that was decoded ends it.
//
// A frame is taken for such only if over a tenth of it no motion explains it, and it is flat there. Another scene is not, and what a decoder
// has concealed itself from what is around is not either: both stay as they are. Pictures are [1,3,H,W], core units.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/temporal/flow.h"

namespace reddiff {

class Concealment {
 public:
  // flow must outlive it.
  explicit Concealment(const Flow& flow) : flow_(flow) {}

  void reset() { shown_ = decoded_ = motion_ = at::Tensor(); }

  // Whether frames since the last key frame are concealed.
  bool is_active() const { return shown_.defined(); }

  // A frame that something was lost of, or of what it is predicted from; last, before: the pictures shown before it; steps: frames from
  // the last to this one, more than one if some between are missing. Undefined: it is no such frame, and is to be shown as it is.
  at::Tensor begin(const at::Tensor& decoded, const at::Tensor& last, const at::Tensor& before, int steps = 1);

  // A frame after that one. Undefined: the stream has repaired itself, or another scene began; nothing is concealed any more.
  at::Tensor go_on(const at::Tensor& decoded, int steps = 1);

 private:
  const Flow& flow_;
  at::Tensor shown_, decoded_,
      motion_;  // of the last frame; motion_ always for one step. shown_: none while nothing is concealed
};

// The motion of a frame so many steps later, at least one, if every pixel goes on as it moved in the last: of one step f(x) = flow(x + f(x)),
// of n the sum along the way. [1,2,H,W].
at::Tensor continued_motion(const at::Tensor& flow, int steps = 1);

}  // namespace reddiff
