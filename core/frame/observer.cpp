// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/observer.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/api/error.h"
#include "core/frame/convert.h"
#include "core/frame/fill_holes.h"
#include "core/frame/noise_estimate.h"

namespace reddiff {
namespace {

// [1,1,h,w], 1 or 0, on the picture's device. An alpha channel that is the mask is no longer one of the picture.
at::Tensor known_pixels(const FrameOptions& options, MaskSource source, const at::Tensor& picture, at::Tensor& alpha) {
  if (source == MaskSource::alpha) {
    if (!alpha.defined())
      throw Error(
          ErrorCode::settings,
          "the mask is the alpha channel, but this video has none; send RGBA, A420 or another format with alpha");
    const auto known = (alpha >= 0.5).to(at::kFloat);
    alpha = at::Tensor();
    return known;
  }
  if (!options.known) throw Error(ErrorCode::settings, "this configuration needs a mask with every frame");
  const auto bytes =
      at::from_blob(const_cast<std::uint8_t*>(options.known), {1, 1, picture.size(2), picture.size(3)}, at::kByte);
  return (bytes > 0).to(at::kFloat).to(picture.device());
}

}  // namespace

Observer::Observer(Config config, MaskSource mask, bool knows_clipping, at::Device device)
    : has_least_(config.task == Task::restore), mask_(mask), knows_clipping_(knows_clipping), device_(device) {
  config.noise = -1;
  estimates_ = estimates_noise(config);
}

// sigma_y, from the user, from the picture, or from how fine its code values are.
double Observer::level(const FrameView& frame, const FrameOptions& options, const Observed& seen, bool will_be_solved) {
  double level = level_to_core(std::max(options.noise, 0.0));
  if (options.noise < 0 && estimates_) {
    level = will_be_solved ? noise_.update(estimate_noise(frame, seen.picture, seen.known)) : noise_.level();
    if (has_least_) level = std::max(level, level_to_core(options.least_noise));
  }
  return std::max(level, quantisation_floor(frame.component[0].depth));
}

// Over some frames, so that it does not change its mind with every one.
Clipping Observer::clipping(const FrameView& frame, const at::Tensor& picture, double sigma_y) {
  constexpr double kept = 0.8;
  const auto evidence = clipping_evidence(frame, picture, sigma_y);
  const auto add = [](EvidenceOfEnd& past, const EvidenceOfEnd& now) {
    past = {kept * past.towards + now.towards, kept * past.away + now.away, kept * past.values + now.values};
  };
  add(ends_.black, evidence.black);
  add(ends_.white, evidence.white);
  return {ends_.black.clipped(), ends_.white.clipped(), frame.model == ColorModel::ycbcr};
}

Observed Observer::observe(const FrameView& frame, const FrameOptions& options, bool will_be_solved) {
  Observed seen;
  seen.picture = read_picture(frame, device_);
  seen.alpha = read_alpha(frame, device_);
  if (mask_ != MaskSource::none) seen.known = known_pixels(options, mask_, seen.picture, seen.alpha);
  const double sigma_y = level(frame, options, seen, will_be_solved);
  if (seen.known.defined()) seen.picture = fill_holes(seen.picture, seen.known);
  const bool looks_at_ends = knows_clipping_ && is_noisy(sigma_y) && will_be_solved;
  seen.likelihood =
      looks_at_ends ? make_clipped(sigma_y, clipping(frame, seen.picture, sigma_y)) : make_gaussian(sigma_y);
  return seen;
}

void Observer::start_scene() {
  noise_.restart();
  ends_ = {};
}

}  // namespace reddiff
