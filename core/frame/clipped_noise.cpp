// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/clipped_noise.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/api/abort.h"
#include "core/frame/clipping_steps.h"
#include "core/frame/device_queue.h"
#include "core/frame/luma.h"
#include "core/frame/step_runner.h"
#include "core/frame/window.h"

namespace reddiff {
namespace {

// Functions of a value in [-1,1] at so many even steps: finer than a code value of ten bits.
constexpr std::int64_t steps = 1024;

// What counts as standing at a limit; less than half a code value of 16 bits.
constexpr double at_limit = 1e-5;

// In noise levels: how near to a limit counts, and how far from the mean of 5x5 pixels lies no noise but an edge.
constexpr double near_limit = 0.6, outlier = 3;
constexpr double flat = 1e-4;  // core units

double density(double a) { return std::exp(-a * a / 2) / std::sqrt(2 * std::numbers::pi); }
double share_below(double a) { return std::erfc(-a / std::numbers::sqrt2) / 2; }

// phi(a)/Phi(a), also where both vanish (then by the continued fraction of Phi's tail).
double inverse_mills(double a) {
  if (a > -8) return density(a) / share_below(a);
  double tail = -a;
  for (int k = 24; k > 0; --k) tail = -a + k / tail;
  return tail;
}

// m of the header, of the ends that clip.
double clipped_mean(double x, double noise, const Clipping& clipping) {
  constexpr double never = std::numeric_limits<double>::infinity();
  const double low = clipping.black ? -(1 + x) / noise : -never, high = clipping.white ? (1 - x) / noise : never;
  const double inside = share_below(high) - share_below(low);
  return x * inside + noise * (density(low) - density(high)) - share_below(low) + share_below(-high);
}

double value_of(std::int64_t step) { return 2.0 * static_cast<double>(step) / steps - 1; }

// A table of function(value_of(step)), read at x: linear between its entries. Where x is no number neither is the result.
at::Tensor look_up(const std::vector<double>& entries, const at::Tensor& x) {
  const auto table = put(at::tensor(entries, at::kDouble), x.options());
  const auto place = x.clamp(-1, 1).add_(1).mul_(steps / 2.0);
  const auto left = place.floor().clamp_max_(steps - 1);
  const auto index = at::nan_to_num(left).to(at::kLong);
  return at::lerp(at::take(table, index), at::take(table, index + 1), place - left);
}

EvidenceOfEnd evidence_of(double all, double towards, double values) { return {towards, all - towards, values}; }

// Sums over the whole picture, which are read at once: to pick the few pixels that count, a device would have to be waited for.
ClippingEvidence evidence_on_device(const at::Tensor& away, const at::Tensor& near, const at::Tensor& dark,
                                    double noise) {
  const auto energy = at::where(near, (away / noise).square_(), 0);
  const auto towards = at::where(away < 0, energy, 0);
  const auto sums = [&](const at::Tensor& end) {
    return at::stack({at::where(end, energy, 0).sum(at::kDouble), at::where(end, towards, 0).sum(at::kDouble),
                      near.logical_and(end).sum().to(at::kDouble)});
  };
  Awaited awaited(at::cat({sums(dark), sums(dark.logical_not())}));
  const double* read = awaited.get().const_data_ptr<double>();
  return {evidence_of(read[0], read[1], read[2]), evidence_of(read[3], read[4], read[5])};
}

}  // namespace

at::Tensor mean_before_clipping(const at::Tensor& mean, double noise, const Clipping& clipping) {
  const auto mean_of = [&](std::int64_t step) { return clipped_mean(value_of(step), noise, clipping); };
  std::vector<double> entries;  // what is added
  std::int64_t above = 1;       // the first step whose mean is not below the one asked for
  double below_mean = mean_of(0), above_mean = mean_of(1);
  for (std::int64_t i = 0; i <= steps; ++i) {
    const double wanted = value_of(i);
    while (above < steps && above_mean < wanted) {
      below_mean = above_mean;
      above_mean = mean_of(++above);
    }
    const double way = std::clamp((wanted - below_mean) / (above_mean - below_mean), 0.0, 1.0);
    entries.push_back(value_of(above - 1) + way * 2.0 / steps - wanted);
  }
  auto before = mean + look_up(entries, mean);
  if (clipping.black) before.clamp_min_(-1);
  if (clipping.white) before.clamp_max_(1);
  return before;
}

at::Tensor values_before_clipping(const at::Tensor& y, const at::Tensor& x, double noise, const Clipping& clipping) {
  if (!clipping) return y;
  std::vector<double> entries;
  if (clipping.averages) {
    for (std::int64_t i = 0; i <= steps; ++i)
      entries.push_back(value_of(i) - clipped_mean(value_of(i), noise, clipping));
    return y + look_up(entries, x);
  }
  // Below the lower limit; above the upper one it is the same with the signs changed.
  for (std::int64_t i = 0; i <= steps; ++i)
    entries.push_back(value_of(i) - noise * inverse_mills(-(1 + value_of(i)) / noise));
  const auto low = clipping.black ? at::where(y <= -1 + at_limit, look_up(entries, x), y) : y;
  return clipping.white ? at::where(y >= 1 - at_limit, -look_up(entries, -x), low) : low;
}

ClippingEvidence clipping_evidence(const at::Tensor& picture, double noise) {
  if (StepRunner::has_kernels(picture.device())) return clipping_evidence_by_step(picture, noise);
  const auto mean = window_mean(picture, 5);
  // From the nearer limit: dark pictures as they are, bright ones upside down.
  const auto away = at::where(mean < 0, picture - mean, mean - picture);
  const auto size = away.abs();
  // Where nothing differs from its neighbours there is no noise, as in the bars above and below a film.
  const auto near =
      (mean.abs() > 1 - near_limit * noise).logical_and_(size < outlier * noise).logical_and_(size > flat);
  throw_if_aborted();
  if (!picture.is_cpu()) return evidence_on_device(away, near, mean < 0, noise);
  const auto evidence = [&](const at::Tensor& end) {  // few pixels of most pictures are near one
    const auto found = away.masked_select(near.logical_and(end)).div_(noise), energy = found.square();
    const double all = energy.sum().item<double>(), towards = energy.mul(found < 0).sum().item<double>();
    return evidence_of(all, towards, static_cast<double>(found.numel()));
  };
  return {evidence(mean < 0), evidence(mean >= 0)};
}

ClippingEvidence clipping_evidence_by_step(const at::Tensor& picture, double noise) {
  const auto values = picture.contiguous(), mean = window_mean(values, 5);
  const std::int64_t lines = values.size(0) * values.size(1) * values.size(2), width = values.size(3);
  const std::int64_t columns = (lines + ClippingStep::column - 1) / ClippingStep::column;
  const auto out = at::empty({ClippingStep::sums, columns, width}, values.options());
  StepRunner(values.device())(ClippingStep{
      values.const_data_ptr<float>(), mean.const_data_ptr<float>(), step_size(lines),
      static_cast<float>(1 - near_limit * noise), static_cast<float>(outlier * noise), static_cast<float>(flat),
      static_cast<float>(noise), out.mutable_data_ptr<float>(), step_size(columns), step_size(width)});
  Awaited awaited(out.sum({1, 2}, false, at::kDouble));
  const double* read = awaited.get().const_data_ptr<double>();
  return {evidence_of(read[0], read[1], read[2]), evidence_of(read[3], read[4], read[5])};
}

ClippingEvidence clipping_evidence(const FrameView& frame, const at::Tensor& picture, double noise) {
  if (frame.model != ColorModel::ycbcr) return clipping_evidence(picture, noise);
  const auto [luma, power] = luma_of(frame, picture);
  return clipping_evidence(luma, noise * std::sqrt(power));
}

}  // namespace reddiff
