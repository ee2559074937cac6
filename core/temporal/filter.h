// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What all frames so far have measured, in one picture that the prior has not smoothed: a Kalman filter per pixel along the motion.
// State: z, [1,3,H,W], and its variance P, [1,1,H,W].
//
//   predict   m = warp(z) + drift(y - H warp(z)),  P- = warp(P) + Q (evidence.h); no drift where H loses resolution and all of y is there
//             behind large holes, where nobody sees the motion, m is a mean and Q its variance too (behind_holes.h)
//   fuse      z = (P- o + R m) / (P- + R),   P = max(P- R / (P- + R), sv^2 max(1 / frames_remembered, share_alike))
//
// where o is the measurement y, R = sv^2: the picture with noise, or, as blur and motion change places, the blurred picture with noise,
// for the solver to find less noise in. In a hole, and wherever H loses resolution, o is the estimate c of this frame alone and
// R what that gets wrong (hole_variance, lost_variance); then z is brought back to y, argmin_x |y - H x|^2/sv^2 + |x - z|^2/s^2.
// Where y is the last one to the bit, its noise too, nothing new was measured and z and P stay: a frame was repeated to change the
// frame rate, or a codec skipped a block. Not where H loses resolution: there is no noise to speak of.
//
// The denoiser sees z at the level sqrt(P), or share_of_lost of it where H loses resolution: there most of z's error is detail that
// is not there, no noise. Its answer is never fed back: its errors are alike in every frame, and a filter that averages them
// takes them for information. The named numbers: filter_constants.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "core/temporal/behind_holes.h"
#include "core/temporal/filter_constants.h"
#include "core/temporal/kalman.h"
#include "core/temporal/motion.h"

namespace reddiff {

// What one frame tells the filter.
struct Measured {
  at::Tensor picture;         // [1,3,H,W]: y, or H^+ y where H loses resolution
  at::Tensor known;           // [1,1,h,w], 1 or 0, on the grid of y; undefined: all of y is measured
  at::Tensor single;          // [1,3,H,W], the estimate c of this frame from y alone
  double noise = 0;           // sv > 0, core units
  at::Tensor noise_map = {};  // [1,1,H,W], where sv differs from pixel to pixel; else undefined
  double share_alike = 0;     // of sv^2, as Likelihood::share_alike()
  double slow_power = 1;      // of the noise (core/frame/likelihood.h)
  // H is a blur: the measurement is what is filtered, c = H^T y, and this the share of the noise's energy that H^T leaves.
  double noise_left = 0;
  // Only where H loses resolution: x -> y - H x, [1,c,h,w], and z -> the picture next to z that agrees with y.
  std::function<at::Tensor(const at::Tensor&)> residual = {}, agree = {};
};

// What this frame says of its own pixels: o and R.
struct Observation {
  at::Tensor value, variance;
};

class TemporalFilter {
 public:
  struct Estimate {
    at::Tensor z;  // [1,3,H,W]; undefined on a frame without a past: the estimate of this frame alone is all there is
    at::Tensor level;  // [1,1,H,W], sqrt(P)
    bool cut = false;  // there was a past, of another scene; it has been forgotten
  };

  explicit TemporalFilter(const FilterConstants& constants = {}) : constants_(constants) {}

  void reset();

  // motion: of this frame; asked between its own estimate and the last picture.
  Estimate update(const Measured& now, Motion& motion);

  // The restored picture of the last update, [1,3,H,W]: a better one than its `single` to find the next motion against, and what it
  // gets wrong. It does not enter z. Not where `single` is no estimate of the picture itself.
  void remember(const at::Tensor& restored) { last_ = restored; }

 private:
  // m, P-, and where they come from.
  struct Prediction {
    at::Tensor z, variance, flow;
  };
  MovedBehind move(const Measured& now, Motion& motion) const;
  Prediction predict(const Measured& now, Motion& motion) const;
  KalmanState with_past(const Measured& now, const Observation& observed, const at::Tensor& least,
                        Motion& motion) const;

  FilterConstants constants_;
  at::Tensor z_, variance_;
  at::Tensor picture_, known_;  // as measured in the last frame
  double noise_ = 0;
  at::Tensor last_;  // the last frame's estimate from itself alone, or better, what was restored
};

}  // namespace reddiff
