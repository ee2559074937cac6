// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where the mean of the next frame starts: the previous frame's solution, moved along the motion between the two measurements.
// Where the motion is not to be trusted (occlusion, a border coming in, a residual that noise does not explain) the cold start
// stays. Holds tensors only, never a caller's buffer.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/temporal/motion.h"

namespace reddiff {

struct Prediction {
  at::Tensor moved;  // [1,3,H,W], the previous solution; undefined when there is no past to use
  at::Tensor
      trust;  // [1,1,H,W], 1 where it can be believed, 0 where the cold start is better; undefined unless asked for
  bool cut = false;  // there was a past, of another scene; it has been forgotten
};

class WarmStart {
 public:
  void reset();

  // measured: [1,3,H,W], what the measurement alone makes of this frame, H^+ y, at the solution's size: motion is found finer there
  // than on the small pictures of super-resolution. noise: sv in core units. Trust takes a second flow,
  // back again; who weighs the moved solution against the measurement by its residual (fuse.h) does without: in noise the two
  // flows disagree where each of them is good enough.
  Prediction predict(const at::Tensor& measured, double noise, bool with_trust, Motion& motion);

  // The frame is solved: what the next one starts from. Both [1,3,H,W].
  void remember(const at::Tensor& measured, const at::Tensor& solution);

 private:
  at::Tensor trust_of(const at::Tensor& backward, const at::Tensor& measured, double noise, const Motion& motion) const;

  at::Tensor measured_;
  at::Tensor solution_;
};

}  // namespace reddiff
