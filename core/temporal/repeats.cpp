// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/repeats.h"

#include <ATen/ATen.h>

#include "core/frame/step_runner.h"
#include "core/temporal/filter_steps.h"

namespace reddiff {
namespace {

constexpr std::int64_t window = 5;

const float* values_of(const at::Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }

}  // namespace

at::Tensor repeats(const MeasuredPixels& now, const MeasuredPixels& before) {
  if (StepRunner::has_kernels(now.picture.device())) return repeats_by_step(now, before);
  auto differs = (now.picture != before.picture).any(1, true);
  if (now.known.defined()) differs = differs.logical_and_(now.known > 0).logical_or_(now.known != before.known);
  const auto same = at::max_pool2d(differs.to(at::kFloat), {window, window}, {1, 1}, {window / 2, window / 2}) == 0;
  return now.known.defined() ? same.logical_and(now.known > 0) : same;
}

at::Tensor repeats_by_step(const MeasuredPixels& now, const MeasuredPixels& before) {
  const auto picture = now.picture.contiguous(), last = before.picture.contiguous();
  const auto known = now.known.defined() ? now.known.contiguous() : now.known;
  const auto known_before = known.defined() ? before.known.contiguous() : known;
  const auto height = picture.size(2), width = picture.size(3);
  const auto same = at::empty({1, 1, height, width}, picture.options().dtype(at::kBool));
  StepRunner(picture.device())(RepeatedStep{picture.const_data_ptr<float>(), last.const_data_ptr<float>(),
                                            values_of(known), values_of(known_before), step_size(picture.size(1)),
                                            step_size(window / 2), same.mutable_data_ptr<bool>(), step_size(height),
                                            step_size(width)});
  return same;
}

}  // namespace reddiff
