// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/filter.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "core/temporal/evidence.h"
#include "core/temporal/repeats.h"
#include "core/temporal/steady_flow.h"
#include "core/temporal/warp.h"

namespace reddiff {
namespace {

// A change of light is no reason to doubt the motion. Pixels a side; windows are of 3 x 3 cells.
constexpr std::int64_t cell_of_light = 32;
// A pixel that changes by more than this many sv is something else that stands there now: it counts as no more than that.
constexpr double most_light = 2;

bool lossy(const Measured& now) { return static_cast<bool>(now.residual); }

// Which pixels of the picture were measured, from which rows were.
at::Tensor on_the_grid_of(const at::Tensor& picture, const at::Tensor& known) {
  return at::upsample_nearest2d(known, {picture.size(2), picture.size(3)});
}

// sv^2, [1,1,1,1] or [1,1,H,W].
at::Tensor noise_power(const Measured& now) {
  if (now.noise_map.defined()) return now.noise_map.square();
  return at::full({1, 1, 1, 1}, now.noise * now.noise, now.picture.options());
}

// Before the past is asked.
Observation observe(const Measured& now, const FilterConstants& constants) {
  if (lossy(now)) {
    const auto lost = lost_variance(now.picture, constants);
    if (!now.known.defined()) return {now.single, lost};
    const auto known = on_the_grid_of(now.picture, now.known);
    const auto missing = hole_variance(now.picture, known, now.noise, constants);
    return {now.single, at::where(known > 0, lost, lost + missing)};
  }
  const auto variance = noise_power(now).expand_as(now.picture.narrow(1, 0, 1)).contiguous();
  if (!now.known.defined()) return {now.picture, variance};
  const auto measured = now.known > 0;
  return {at::where(measured, now.picture, now.single),
          at::where(measured, variance, hole_variance(now.picture, now.known, now.noise, constants))};
}

// Q from what is known of this and the last frame, all of whose pixels were measured.
at::Tensor motion_variance_of(const Measured& now, const at::Tensor& before, const FilterConstants& constants) {
  if (now.noise_left > 0) {
    const auto own = at::full({1, 1, 1, 1}, 2 * now.noise_left * now.noise * now.noise, before.options());
    return motion_variance(now.single, before, own, constants.caution_of_blur);
  }
  return estimated_motion_variance(now.single, before, now.noise, constants, now.slow_power);
}

// Where a drift of what was moved is looked for, one size of cells after the other: as small as noise allows. Large ones reach into
// large holes, the smallest between scattered ones.
std::vector<std::int64_t> cells_of_drift(const Measured& now) {
  if (now.known.defined()) return {4, 2, 1};
  if (lossy(now)) return {};  // z will be brought back to y
  if (now.noise_left > 0) return {2};
  return {4};
}

// The moved z without what the measurement shows to be wrong with it over windows.
at::Tensor without_drift(at::Tensor moved, const Measured& now, const FilterConstants& constants) {
  constexpr double whatever = std::numeric_limits<double>::infinity();
  for (const auto cell : cells_of_drift(now)) {
    if (!lossy(now)) {
      moved = drifted(moved, now.picture, whatever, now.known, cell, now.noise, constants, now.slow_power);
      continue;
    }
    const auto found = drift(now.residual(moved), now.known, cell, now.noise, constants, now.slow_power);
    moved = moved + at::upsample_bilinear2d(found, {moved.size(2), moved.size(3)}, false);
  }
  return moved;
}

}  // namespace

void TemporalFilter::reset() { z_ = variance_ = last_ = picture_ = known_ = at::Tensor(); }

MovedBehind TemporalFilter::move(const Measured& now, Motion& motion) const {
  // Where H loses resolution others have searched between H^+ y, which shows less than these.
  auto flow = lossy(now) ? motion.between(now.single, last_) : motion.backward(now.single, last_);
  if (now.known.defined()) {
    const auto known = on_the_grid_of(flow, now.known), holes = large_holes(known);
    if (holes.any().item<bool>()) {
      flow = motion.between(filled_from_past(z_, now.single, flow, known, holes), last_);
      return move_behind_holes(z_, now.single, flow, known, holes);
    }
  } else if (!lossy(now)) {
    flow = steady_flow(flow, now.single, now.noise);
  }
  return {flow, warp(z_, flow, WarpFilter::bicubic), {}};
}

TemporalFilter::Prediction TemporalFilter::predict(const Measured& now, Motion& motion) const {
  const auto [flow, warped, doubt] = move(now, motion);
  const auto moved = without_drift(warped, now, constants_);
  at::Tensor wrong;  // Q
  if (lossy(now)) {
    wrong = motion_variance_behind(now.residual(moved), now.known, moved.size(2), moved.size(3), now.noise, constants_);
  } else if (now.known.defined()) {
    wrong = motion_variance_around(now.picture - moved, now.known, now.noise, constants_);
  } else {
    const auto before = warp(last_, flow, WarpFilter::bicubic);
    const auto lit =
        drifted(before, now.single, most_light * now.noise, {}, cell_of_light, now.noise, constants_, now.slow_power);
    wrong = motion_variance_of(now, lit, constants_);
  }
  if (doubt.defined()) wrong = wrong + doubt;
  return {moved, warp(variance_, flow, WarpFilter::bilinear) + wrong, flow};
}

// z and P, if the past is of the same scene.
KalmanState TemporalFilter::with_past(const Measured& now, const Observation& observed, const at::Tensor& least,
                                      Motion& motion) const {
  const auto past = predict(now, motion);
  const KalmanInput input{past.z, past.variance, past.flow, observed.value, observed.variance, least};
  if (lossy(now)) {
    auto state = kalman_update(input, nullptr);
    state.z = now.agree(state.z);
    return state;
  }
  if (now.known.defined() != known_.defined()) return kalman_update(input, nullptr);
  const Repeated last{repeats({now.picture, now.known}, {picture_, known_}), z_, variance_,
                      std::pow(now.noise / noise_, 2)};
  return kalman_update(input, &last);
}

TemporalFilter::Estimate TemporalFilter::update(const Measured& now, Motion& motion) {
  Estimate estimate;
  const auto observed = observe(now, constants_);
  const auto least = noise_power(now) * std::max(1 / constants_.frames_remembered, now.share_alike);
  std::optional<KalmanState> state;
  const auto from_past = [&] { state = with_past(now, observed, least, motion); };
  if (z_.defined()) {
    motion.ask_for_cut(now.single, last_);
    if (!now.single.is_cpu()) from_past();  // a GPU computes this while the answer is on its way; few frames are cuts
    if (motion.is_cut(now.single, last_)) {
      reset();
      state.reset();
      estimate.cut = true;
    } else if (!state) {
      from_past();
    }
  }
  if (state) {
    z_ = estimate.z = state->z;
    variance_ = state->variance;
    estimate.level = variance_.sqrt();
    if (lossy(now)) estimate.level.mul_(constants_.share_of_lost);
  } else {
    z_ = observed.value;
    variance_ = at::maximum(observed.variance, least);
  }
  last_ = now.single;
  picture_ = now.picture;
  known_ = now.known;
  noise_ = now.noise;
  return estimate;
}

}  // namespace reddiff
