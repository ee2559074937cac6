// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ATen/ATen.h>

#include <algorithm>

#include "core/frame/step_runner.h"
#include "core/frame/window.h"
#include "core/temporal/evidence.h"
#include "core/temporal/evidence_steps.h"

namespace reddiff {
at::Tensor drifted_by_steps(const at::Tensor& x, const at::Tensor& target, double most, std::int64_t cell, double noise,
                            const FilterConstants& constants, double slow_power) {
  const StepRunner run(x.device());
  const auto from = x.contiguous(), to = target.contiguous();
  const std::int64_t channels = x.size(1), height = x.size(2), width = x.size(3);
  const std::int64_t side = std::min({cell, height, width}), rows = (height + side - 1) / side;
  const std::int64_t columns = (width + side - 1) / side;
  const auto lines = at::empty({1, channels + 1, height, columns}, x.options());
  run(RowMomentsStep{to.const_data_ptr<float>(), from.const_data_ptr<float>(), static_cast<float>(most),
                     step_size(channels), step_size(width), step_size(side), lines.mutable_data_ptr<float>(),
                     step_size(height), step_size(columns)});
  const auto cells = at::avg_pool2d(lines, {side, 1}, {side, 1}, {0, 0}, true, false);
  const auto moments = window_mean(cells, cells_of_drift_window).contiguous();
  const auto found = at::empty({1, channels, rows, columns}, x.options());
  const auto window = static_cast<double>(cells_of_drift_window * side);
  run(DriftStep{moments.const_data_ptr<float>(), step_size(channels), static_cast<float>(window * window),
                static_cast<float>(noise * noise), static_cast<float>(constants.doubt_of_drift * slow_power),
                found.mutable_data_ptr<float>(), step_size(rows), step_size(columns)});
  const auto out = at::empty_like(from);
  run(AddCoarseStep{from.const_data_ptr<float>(), found.const_data_ptr<float>(), step_size(channels), step_size(rows),
                    step_size(columns), out.mutable_data_ptr<float>(), step_size(height), step_size(width)});
  return out;
}

at::Tensor motion_variance_by_steps(const at::Tensor& single, const at::Tensor& moved, double noise,
                                    const FilterConstants& constants, double slow_power) {
  constexpr std::int64_t window = 5;
  const StepRunner run(single.device());
  const auto picture = single.contiguous(), past = moved.contiguous();
  const std::int64_t height = single.size(2), width = single.size(3);
  const auto squares = at::empty({1, 2, height, width}, single.options());
  run(SquaresStep{picture.const_data_ptr<float>(), past.const_data_ptr<float>(), step_size(picture.size(1)),
                  step_size(window / 2), squares.mutable_data_ptr<float>(), step_size(height), step_size(width)});
  const auto means = window_mean(squares, window).contiguous();
  const auto out = at::empty({1, 1, height, width}, single.options());
  const double power = noise * noise, own = power * own_share(constants, slow_power);
  run(MotionVarianceStep{means.const_data_ptr<float>(), static_cast<float>(constants.detail_of_noise * power),
                         static_cast<float>(constants.own_of_detail * own),
                         static_cast<float>(constants.own_of_flat * own), static_cast<float>(constants.caution),
                         out.mutable_data_ptr<float>(), step_size(height), step_size(width)});
  return out;
}

}  // namespace reddiff
