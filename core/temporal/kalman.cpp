// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/kalman.h"

#include <ATen/ATen.h>

#include "core/frame/step_runner.h"
#include "core/temporal/filter_steps.h"
#include "core/temporal/warp.h"

namespace reddiff {

KalmanState kalman_update(const KalmanInput& input, const Repeated* repeated) {
  if (StepRunner::has_kernels(input.moved.device())) return kalman_update_by_step(input, repeated);
  const auto& own = input.own;
  // The share of what is seen now; all of it where that was outside the last frame.
  const auto gain = at::where(points_inside(input.flow), input.moved_variance / (input.moved_variance + own), 1.0);
  auto z = at::lerp(input.moved, input.seen, gain);
  auto variance = at::maximum(gain * own, input.least);
  if (!repeated) return {z, variance};
  return {at::where(repeated->same, repeated->z, z),
          at::where(repeated->same, repeated->variance * repeated->gain, variance)};
}

KalmanState kalman_update_by_step(const KalmanInput& input, const Repeated* repeated) {
  const auto height = input.moved.size(2), width = input.moved.size(3);
  TORCH_CHECK(input.moved.size(0) == 1 && input.seen.sizes() == input.moved.sizes() &&
                  input.own.numel() == height * width && input.moved_variance.numel() == height * width,
              "kalman: not of one size");
  const auto moved = input.moved.contiguous(), moved_variance = input.moved_variance.contiguous(),
             flow = input.flow.contiguous(), seen = input.seen.contiguous(), own = input.own.contiguous(),
             least = input.least.contiguous();
  const KalmanState state{at::empty_like(moved), at::empty_like(own)};
  FuseStep step{};
  step.moved = moved.const_data_ptr<float>(), step.moved_variance = moved_variance.const_data_ptr<float>();
  step.flow = flow.const_data_ptr<float>();
  step.seen = seen.const_data_ptr<float>(), step.own = own.const_data_ptr<float>();
  step.least = least.const_data_ptr<float>(), step.has_one_least = least.numel() == 1;
  step.z = state.z.mutable_data_ptr<float>(), step.variance = state.variance.mutable_data_ptr<float>();
  step.channels = step_size(moved.size(1));
  step.height = step_size(height), step.width = step_size(width);
  Repeated last;
  if (repeated) {
    last = {repeated->same.contiguous(), repeated->z.contiguous(), repeated->variance.contiguous(), repeated->gain};
    step.same = last.same.const_data_ptr<bool>(), step.same_gain = static_cast<float>(last.gain);
    step.before = last.z.const_data_ptr<float>(), step.before_variance = last.variance.const_data_ptr<float>();
  }
  StepRunner(moved.device())(step);
  return state;
}

}  // namespace reddiff
