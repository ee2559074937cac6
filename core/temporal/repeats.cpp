// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/repeats.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <optional>

#include "core/frame/step_runner.h"
#include "core/temporal/filter_steps.h"
#ifdef REDDIFF_CUDA
#include "core/temporal/filter_steps_cuda.h"
#endif

namespace reddiff {
namespace {

constexpr std::int64_t window = 5;

const float* values_of(const at::Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }

}  // namespace

at::Tensor repeats(const MeasuredPixels& now, const MeasuredPixels& before) {
#ifdef REDDIFF_CUDA
  if (now.picture.is_cuda()) return repeats_by_step(now, before);
#endif
  auto differs = (now.picture != before.picture).any(1, true);
  if (now.known.defined()) differs = differs.logical_and_(now.known > 0).logical_or_(now.known != before.known);
  const auto same = at::max_pool2d(differs.to(at::kFloat), {window, window}, {1, 1}, {window / 2, window / 2}) == 0;
  return now.known.defined() ? same.logical_and(now.known > 0) : same;
}

at::Tensor repeats_by_step(const MeasuredPixels& now, const MeasuredPixels& before) {
  const c10::OptionalDeviceGuard guard(now.picture.is_cpu() ? std::nullopt : std::optional(now.picture.device()));
  const auto picture = now.picture.contiguous(), last = before.picture.contiguous();
  const auto known = now.known.defined() ? now.known.contiguous() : now.known;
  const auto known_before = known.defined() ? before.known.contiguous() : known;
  const auto height = picture.size(2), width = picture.size(3);
  const auto same = at::empty({1, 1, height, width}, picture.options().dtype(at::kBool));
  StepRunner(picture.device())(RepeatedStep{
      picture.const_data_ptr<float>(), last.const_data_ptr<float>(), values_of(known), values_of(known_before),
      static_cast<std::int32_t>(picture.size(1)), static_cast<std::int32_t>(window / 2), same.mutable_data_ptr<bool>(),
      static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)});
  return same;
}

}  // namespace reddiff
