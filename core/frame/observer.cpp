// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/observer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "core/frame/codec_error.h"
#include "core/frame/convert.h"
#include "core/frame/fill_holes.h"
#include "core/frame/known_pixels.h"
#include "core/frame/luma.h"
#include "core/frame/pixel_cells.h"
#include "core/frame/quantised_dct.h"

namespace reddiff {
namespace {

// What the prior was trained to hear of correlated noise is its root mean square in places without detail. Beside detail there is more of it,
// and of soft noise a tenth to a third less is read than there is: by search on pipelines/noise_material.py, whose optimum is flat.
// Where its spectrum is known it is read as it is.
constexpr double beside_detail = 1.3, without_spectrum = 1.4;

double level_for_kind(const NoiseModel& noise) {
  return (noise.spectrum() ? beside_detail : without_spectrum) * noise.rms();
}

}  // namespace

Observer::Observer(Config config, ProblemKind kind, MaskSource mask, Knows knows, std::vector<std::string> kinds,
                   at::Device device, Denoise denoise)
    : denoises_(kind == ProblemKind::denoise),
      mask_(mask),
      mask_grow_(config.mask_grow),
      knows_(knows),
      kinds_(std::move(kinds)),
      device_(device),
      denoise_(std::move(denoise)) {
  config.noise = -1;
  estimates_ = estimates_noise(config) && !says_intervals(kind);
}

bool Observer::knows_kind(std::string_view kind) const {
  return std::find(kinds_.begin(), kinds_.end(), kind) != kinds_.end();
}

double Observer::estimate(const FrameView& frame, Observed& seen, bool will_be_solved) {
  double level = will_be_solved ? noise_.update(frame, seen.picture, seen.known, denoise_) : noise_.level();
  if (denoises_ && noise_.is_correlated() && knows_kind(error_kind::camera)) {
    level = level_for_kind(noise_);
    seen.kind = error_kind::camera;
  }
  // Where the measurement is not the picture, what is below a code value is rounding, and is dealt with as that.
  return denoises_ || is_noisy(level) ? level : 0;
}

// mean: of what is left, core units. Below a code value it is not worth a call of the prior.
bool Observer::takes_by_place(double mean) const {
  return knows_.codec && knows_kind(error_kind::codec) && is_noisy(mean);
}

// Where it is not taken by place, one level stands for all places: its mean, so that what is drawn keeps its edges.
Observer::Level Observer::left_by_codec(const FrameView& frame, const FrameOptions& options,
                                        const at::Tensor& picture) {
  const double said = level_to_core(options.least_noise);
  codec_left_little_ = said <= least_noise;
  if (codec_left_little_) return {0, {}};
  const auto left = codec_error(frame, picture, said);
  codec_left_little_ = left.rms <= least_noise;
  if (denoises_) return {left.rms, left.map};
  const double mean = left.map.mean().item<double>();
  if (takes_by_place(mean)) return {left.rms, left.map};
  return {mean, {}};
}

// Of noise that depends on brightness.
Observer::Level Observer::map_of_noise(const FrameView& frame, const FrameOptions& options, const Observed& seen,
                                       double level) const {
  auto map = noise_.map(seen.picture);
  if (!map.defined()) return {level, {}};
  map = (map * (level / noise_.level()))
            .clamp(quantisation_floor(frame.component[0].depth), level_to_core(std::min(options.most_noise, 255.0)));
  return {map.square().mean().sqrt().item<double>(), map};
}

// sigma_y, from the user, from the picture or the stream, or from how fine its code values are.
Observer::Level Observer::level(const FrameView& frame, const FrameOptions& options, Observed& seen,
                                bool will_be_solved) {
  const double floor = quantisation_floor(frame.component[0].depth);
  if (!looks_for_noise(options)) return {std::max(level_to_core(std::max(options.noise, 0.0)), floor), {}};
  const double most = level_to_core(std::min(options.most_noise, 255.0));
  double level = estimate(frame, seen, will_be_solved);
  const auto left = left_by_codec(frame, options, seen.picture);
  if (left.sigma_y > std::max(level, least_noise)) {
    seen.is_least = true;
    seen.kind = left.map.defined() && knows_kind(error_kind::codec) ? error_kind::codec : error_kind::white;
    level = std::min(left.sigma_y, most);
    seen.noise_free = level == 0;
    return {std::max(level, floor), left.map.defined() ? left.map.clamp(floor, std::max(most, floor)) : at::Tensor()};
  }
  level = std::min(level, most);
  seen.noise_free = level == 0;
  return {std::max(level, floor), {}};
}

// scale: of what the estimate says to what it is over the picture.
NoiseSeen Observer::noise_seen(const FrameOptions& options, double sigma_y, double scale) const {
  if (!looks_for_noise(options) || noise_.level() == 0) return {sigma_y, {sigma_y, sigma_y, sigma_y}, 1, 0};
  auto planes = noise_.of_planes();
  for (auto& plane : planes) plane *= scale;
  return {std::min(sigma_y, noise_.rms() * scale), planes, noise_.slope(), noise_.share()};
}

// Of noise that neighbouring values share.
LikelihoodPtr Observer::correlated(const LikelihoodPtr& each) const {
  const auto spectrum = noise_.spectrum();
  const double deviation = level_for_kind(noise_) / each->sigma_y();
  return make_correlated(each, (spectrum ? spectrum->slow_power() : noise_.density()) * deviation * deviation,
                         spectrum);
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

LikelihoodPtr Observer::likelihood(const FrameView& frame, const Observed& seen, const Level& level,
                                   bool will_be_solved) {
  if (seen.is_least) return make_left_by_codec(level.sigma_y, level.map);
  if (!knows_.clipping || !is_noisy(level.sigma_y) || !will_be_solved) return make_gaussian(level.sigma_y, level.map);
  return make_clipped(level.sigma_y, clipping(frame, seen.picture, level.sigma_y), level.map);
}

// [1,1,h,w], 0 where a pixel says nothing; undefined where all do.
at::Tensor Observer::sound_pixels(const FrameView& frame, const at::Tensor& picture) {
  // Halved chroma spreads an impulse; grey is the same in all channels.
  const auto planes = frame.model == ColorModel::rgb    ? picture
                      : frame.model == ColorModel::gray ? picture.narrow(1, 0, 1)
                                                        : quick_luma_of(frame.matrix, picture);
  // A stream without noise is not looked at in every frame at all (rests()).
  const auto impulses = impulses_.find(planes, /*may_wait=*/noise_.level() > 0);
  return impulses.defined() ? 1 - impulses : at::Tensor();
}

// By the operator's last stage. Noise that the user names was there before it.
LikelihoodPtr Observer::cells(const FrameView& frame, const FrameOptions& options, const at::Tensor& picture) const {
  const double noise = level_to_core(std::max(options.noise, 0.0));
  const auto number = [this](const char* name) { return knows_.cells->numbers.at(name); };
  if (knows_.cells->name == "hdr") return make_clipped_cells(frame, picture, number("gain"), noise);
  if (knows_.cells->name == "quantise")
    return make_quantised_cells(frame, picture, static_cast<int>(number("bits")), noise);
  const auto tables = usual_tables(static_cast<int>(number("quality")), static_cast<int>(number("subsampling")));
  return make_jpeg_cells(frame, picture, tables, noise);
}

// Of a frame that a JPEG decoder has left as it was: its cells instead of a level. Noise that is more than what the quantiser left was
// there before it.
void Observer::take_tables(const FrameView& frame, const FrameOptions& options, Observed& seen) {
  if (!knows_.intervals || !denoises_ || !looks_for_noise(options) || !options.jpeg || seen.known.defined() ||
      level_to_core(options.least_noise) <= least_noise)
    return;
  const double before = seen.is_least || seen.noise_free ? 0 : seen.sigma_y();
  const auto coded = make_quantised_dct(frame, seen.picture, *options.jpeg, before);
  if (!coded.likelihood) return;
  seen.likelihood = coded.likelihood;
  seen.coded_share = coded.share;
  seen.kind = knows_kind(error_kind::codec) ? error_kind::codec : error_kind::white;
  seen.noise_free = false;
  seen.is_least = true;
  codec_left_little_ = false;
}

// Nothing was found for a while, and nothing is known of this frame.
bool Observer::rests(const FrameOptions& options) const {
  return denoises_ && looks_for_noise(options) &&
         (codec_left_little_ || level_to_core(options.least_noise) <= least_noise) && mask_ == MaskSource::none &&
         noise_.will_rest() && impulses_.is_idle();
}

Observed Observer::observe(const FrameView& frame, const FrameOptions& options, bool will_be_solved, bool may_pass) {
  Observed seen;
  if (may_pass && will_be_solved && rests(options)) {
    noise_.rest();
    seen.noise_free = true;
    seen.likelihood = make_gaussian(quantisation_floor(frame.component[0].depth));
    return seen;
  }
  seen.picture = read_picture(frame, device_);
  seen.alpha = read_alpha(frame, device_);
  if (mask_ != MaskSource::none) seen.known = known_pixels(options, mask_, mask_grow_, seen.picture, seen.alpha);
  const bool looks = denoises_ && looks_for_noise(options);
  at::Tensor sound;  // as known, but without a word of the user's
  if (looks && will_be_solved) sound = sound_pixels(frame, seen.picture);
  const auto missing = sound.defined() ? sound : seen.known;
  if (missing.defined()) seen.picture = fill_holes(seen.picture, missing);
  auto told = level(frame, options, seen, will_be_solved);
  const double uniform = told.sigma_y;
  if (looks && will_be_solved && is_noisy(uniform) && !seen.is_least)
    told = map_of_noise(frame, options, seen, uniform);
  seen.noise = noise_seen(options, seen.noise_free ? 0 : told.sigma_y, told.sigma_y / uniform);
  if (sound.defined()) seen.known = sound;  // not before: few blocks are without an impulse
  const bool in_cells = will_be_solved && knows_.cells;
  seen.likelihood = in_cells ? cells(frame, options, seen.picture) : likelihood(frame, seen, told, will_be_solved);
  if (looks && noise_.is_correlated() && !seen.is_least) seen.likelihood = correlated(seen.likelihood);
  if (will_be_solved) take_tables(frame, options, seen);
  return seen;
}

void Observer::start_scene() {
  noise_.start_scene();
  impulses_.start_scene();
  ends_ = {};
}

}  // namespace reddiff
