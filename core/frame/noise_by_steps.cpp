// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_by_steps.h"

#include <ATen/ATen.h>

#include "core/frame/noise_blocks.h"
#include "core/frame/noise_steps.h"
#include "core/frame/step_runner.h"

namespace reddiff {

Cells cells_by_step(const at::Tensor& planes, const at::Tensor& before) {
  constexpr std::int64_t side = 8;
  const auto now = planes.contiguous(), then = before.defined() ? before.contiguous() : before;
  const std::int64_t count = now.size(1), rows = (now.size(2) - 2) / side, columns = (now.size(3) - 2) / side;
  const auto out = at::empty({3, count, rows, columns}, now.options());
  auto* cells = out.mutable_data_ptr<float>();
  const std::int64_t all = count * rows * columns;
  StepRunner(now.device())(CellStep{now.const_data_ptr<float>(),
                                    then.defined() ? then.const_data_ptr<float>() : nullptr, step_size(now.size(2)),
                                    step_size(now.size(3)), step_size(rows), static_cast<float>(constant_energy),
                                    static_cast<float>(1 - end_of_codes), cells, cells + all, cells + 2 * all,
                                    step_size(count * rows), step_size(columns)});
  return {out[0], out[1], out[2]};
}

at::Tensor flatness_by_step(const at::Tensor& planes, const at::Tensor& counts, std::uint8_t not_counted) {
  const auto x = planes.contiguous(), counted = counts.defined() ? counts.contiguous() : counts;
  const std::int64_t height = x.size(2) - 2, width = x.size(3) - 2;
  const auto out = at::empty({height, width}, x.options().dtype(at::kByte));
  StepRunner(x.device())(FlatnessStep{x.const_data_ptr<float>(), step_size(x.size(1)), static_cast<float>(end_of_codes),
                                      static_cast<float>(1 - end_of_codes),
                                      counted.defined() ? counted.const_data_ptr<bool>() : nullptr, not_counted,
                                      out.mutable_data_ptr<std::uint8_t>(), step_size(height), step_size(width)});
  return out;
}

}  // namespace reddiff
