// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/window.h"

#include <ATen/ATen.h>

#include "core/api/abort.h"
#include "core/frame/step_runner.h"
#include "core/frame/window_steps.h"

namespace reddiff {
namespace {

// A step adds side^2 values a pixel, from near memory; a wider window is left to the operators, which add 2 side.
[[maybe_unused]] constexpr std::int64_t widest_step = 11;

}  // namespace

at::Tensor window_mean(const at::Tensor& x, std::int64_t side) {
  throw_if_aborted();
  if (StepRunner::has_kernels(x.device()) && side <= widest_step && x.scalar_type() == at::kFloat)
    return window_mean_by_step(x, side);
  const auto rows = at::avg_pool2d(x, {side, 1}, {1, 1}, {side / 2, 0}, false, false);
  return at::avg_pool2d(rows, {1, side}, {1, 1}, {0, side / 2}, false, false);
}

at::Tensor window_mean_by_step(const at::Tensor& x, std::int64_t side) {
  const auto values = x.contiguous();
  const auto out = at::empty_like(values);
  StepRunner(x.device())(WindowMeanStep{values.const_data_ptr<float>(), step_size(x.size(2)), step_size(side / 2),
                                        out.mutable_data_ptr<float>(), step_size(x.size(0) * x.size(1) * x.size(2)),
                                        step_size(x.size(3))});
  return out;
}

}  // namespace reddiff
