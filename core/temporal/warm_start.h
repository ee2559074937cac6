// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where the mean of the next frame starts: the previous frame's solution, moved along the motion between the two measurements.
// Where the motion is not to be trusted (occlusion, a border coming in, a residual that noise does not explain) the cold start
// stays. Holds tensors only, never a caller's buffer.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/temporal/flow.h"

namespace reddiff {

struct Prediction {
  at::Tensor mu;     // [1,3,H,W]; undefined when there is no past to use
  at::Tensor trust;  // [1,1,H,W], 1 where mu is the moved solution, 0 where it is the cold start
  bool cut = false;  // there was a past, of another scene; it has been forgotten
};

class WarmStart {
 public:
  explicit WarmStart(double scene_threshold);

  void reset();

  // measured: [1,3,h,w], this frame's measurement as a picture, holes filled. cold: [1,3,H,W], the start without a past;
  // H = factor h. noise: sv in core units.
  Prediction predict(const at::Tensor& measured, const at::Tensor& cold, double noise);

  // The frame is solved: what the next one starts from. `solution`: [1,3,H,W].
  void remember(const at::Tensor& measured, const at::Tensor& solution);

 private:
  at::Tensor trust_of(const at::Tensor& backward, const at::Tensor& forward, const at::Tensor& measured, double noise) const;

  double scene_threshold_;
  std::unique_ptr<Flow> flow_;
  at::Tensor measured_;
  at::Tensor solution_;
};

}  // namespace reddiff
