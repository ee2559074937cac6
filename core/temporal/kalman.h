// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The update of a Kalman filter per pixel (filter.h): what this frame says of its pixels, o and R, with what the past predicts of them,
// m and P-. z = m + g (o - m), P = max(g R, least), g = P- / (P- + R), and 1 where the motion comes from outside of the last frame.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

struct KalmanInput {
  at::Tensor moved, moved_variance;  // m [1,3,H,W], P- [1,1,H,W]
  at::Tensor flow;                   // [1,2,H,W], where they come from
  at::Tensor seen, own;              // o [1,3,H,W], R [1,1,H,W]
  at::Tensor least;                  // [1,1,H,W] or [1,1,1,1]
};

// Where the frame repeats the last one nothing new was seen: z stays, and P but for a factor.
struct Repeated {
  at::Tensor same;         // [1,1,H,W], bool
  at::Tensor z, variance;  // of the last frame
  double gain = 1;
};

struct KalmanState {
  at::Tensor z, variance;
};

// All float32. repeated: null where nothing is asked for.
KalmanState kalman_update(const KalmanInput& input, const Repeated* repeated);

// The same by a step of filter_steps.h, as on a GPU in builds that have its kernel.
KalmanState kalman_update_by_step(const KalmanInput& input, const Repeated* repeated);

}  // namespace reddiff
