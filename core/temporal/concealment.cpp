// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/concealment.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/api/units.h"
#include "core/frame/window.h"
#include "core/temporal/warp.h"

namespace reddiff {
namespace {

constexpr std::int64_t window = 9;
// Root mean square of the difference to the past, 8-bit units: from that on it is no matter of motion, and where a search for motion
// explains the frame neither.
constexpr double wrong = 35, wrong_along_motion = 20;
// Of the frame, that has to be wrong in this way: by measurement decoders without a reference show a fifth and more of it, those that
// conceal a lost part themselves a twentieth at most.
constexpr double least_share = 0.1;
// A picture of differences alone has up to a quarter of the contrast that was there before, another scene as much as ever.
constexpr double most_contrast = 0.35;
constexpr std::int64_t coarse = 8;  // pixels a side, of what contrast is measured between
// A frame continues one motion rather than the other if its error is less than this share.
constexpr double clearly = 0.7;
// Of the frame: less than this changed by more than so many code values is nothing.
constexpr double nothing_left = 0.005, seen = 6;

double power(double user_level) { return level_to_core(user_level) * level_to_core(user_level); }

at::Tensor difference(const at::Tensor& a, const at::Tensor& b) {
  return window_mean((a - b).square_().mean(1, true), window);
}

double share_of(const at::Tensor& where) { return where.to(at::kFloat).mean().item<double>(); }

// The standard deviation of the coarse brightness where `where`.
double contrast(const at::Tensor& picture, const at::Tensor& where) {
  const auto side = std::min({coarse, picture.size(2), picture.size(3)});
  const auto in_cells = [&](const at::Tensor& x) {
    return at::avg_pool2d(x, {side, side}, {side, side}, {0, 0}, true, false);
  };
  const auto levels = in_cells(picture.mean(1, true)), weights = in_cells(where.to(at::kFloat));
  const auto sum = weights.sum();
  const auto mean = (levels * weights).sum() / sum;
  return ((levels - mean).square_() * weights).sum().div_(sum).sqrt_().item<double>();
}

// 1 inside, 0 outside, with a soft rim around.
at::Tensor grown(const at::Tensor& where) {
  return window_mean(at::max_pool2d(where.to(at::kFloat), {window, window}, {1, 1}, {window / 2, window / 2}), window);
}

at::Tensor moved(const at::Tensor& picture, const at::Tensor& flow) { return warp(picture, flow, WarpFilter::bicubic); }

}  // namespace

at::Tensor continued_motion(const at::Tensor& flow, int steps) {
  auto whole = at::zeros_like(flow);
  for (int step = 0; step < steps; ++step) {
    auto motion = flow;
    for (int i = 0; i < 3; ++i) motion = warp(flow, whole + motion, WarpFilter::bilinear);
    whole = whole + motion;
  }
  return whole;
}

at::Tensor Concealment::begin(const at::Tensor& decoded, const at::Tensor& last, const at::Tensor& before, int steps) {
  reset();
  const auto motion = flow_.estimate(last, before);
  const auto expected = moved(last, continued_motion(motion, steps));
  const auto missed = difference(decoded, expected) > power(wrong);
  if (share_of(missed) < least_share) return {};
  const auto along = moved(last, flow_.estimate(decoded, last));
  const auto unexplained = missed.logical_and(difference(decoded, along) > power(wrong_along_motion));
  if (share_of(unexplained) < least_share) return {};
  if (contrast(decoded, unexplained) > most_contrast * contrast(expected, unexplained)) return {};
  motion_ = continued_motion(motion);
  decoded_ = decoded;
  return shown_ = at::lerp(decoded, expected, grown(missed));
}

at::Tensor Concealment::go_on(const at::Tensor& decoded, int steps) {
  const auto continued = continued_motion(motion_, steps), found = flow_.estimate(decoded, decoded_);
  const auto by_found = difference(decoded, moved(decoded_, found)),
             by_continued = difference(decoded, moved(decoded_, continued));
  const auto motion = at::where(by_found < clearly * by_continued, found, continued);
  const auto as_decoded = at::minimum(by_found, by_continued),
             as_shown =
                 at::minimum(difference(decoded, moved(shown_, continued)), difference(decoded, moved(shown_, motion)));
  const auto correction = as_shown / (as_shown + as_decoded + power(1)) * moved(shown_ - decoded_, motion);
  const bool repaired = share_of(correction.abs().amax(1, true) > level_to_core(seen)) < nothing_left;
  // A key frame, or another scene, does not go on from what was decoded.
  if (repaired || share_of(as_decoded > power(wrong)) >= least_share) {
    reset();
    return {};
  }
  motion_ = steps == 1 ? continued : continued_motion(motion_);
  decoded_ = decoded;
  // Sharp motion overshoots a little in every frame.
  return shown_ = at::maximum(at::minimum(decoded + correction, decoded.clamp_min(1)), decoded.clamp_max(-1));
}

}  // namespace reddiff
