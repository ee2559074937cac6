// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What all frames so far have measured, in one picture that the prior has not smoothed: a Kalman filter per pixel along the motion,
// for H = identity. State: z, [1,3,H,W], and its variance P, [1,1,H,W].
//
//   predict   m = warp(z),  P- = warp(P) + Q
//   fuse      z = (P- y + sv^2 m) / (P- + sv^2),   P = max(P- sv^2 / (P- + sv^2), sv^2 / 3)
//
// The denoiser then sees z at the level sqrt(P) and its answer is never fed back: its errors are alike in every frame, and a filter
// that averages them takes them for information. Q is what motion gets wrong, seen where noise does not hide it, on the
// estimates c of each frame alone: Q = 8 (box |c_t - warp(c_{t-1})|^2 - (sv/4)^2)_+.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/temporal/flow.h"

namespace reddiff {

class TemporalFilter {
 public:
  struct Estimate {
    at::Tensor z;  // [1,3,H,W]; undefined on a frame without a past: the estimate of this frame alone is all there is
    at::Tensor level;  // [1,1,H,W], sqrt(P)
    bool cut = false;  // there was a past, of another scene; it has been forgotten
  };

  // scene_threshold: see scene_cut.h. `flow` finds the motion between single-frame estimates.
  explicit TemporalFilter(double scene_threshold, std::unique_ptr<Flow> flow = make_flow());

  void reset();

  // y: [1,3,H,W], noise of deviation `noise` > 0 in core units. single: [1,3,H,W], the estimate c of this frame from y alone.
  Estimate update(const at::Tensor& y, const at::Tensor& single, double noise);

 private:
  double scene_threshold_;
  std::unique_ptr<Flow> flow_;
  at::Tensor z_, variance_, single_;
};

}  // namespace reddiff
