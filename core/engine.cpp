// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/engine.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/api/abort.h"
#include "core/device.h"
#include "core/frame/clipped_noise.h"
#include "core/frame/convert.h"
#include "core/frame/fill_holes.h"
#include "core/frame/noise_estimate.h"
#include "core/registry.h"
#include "core/temporal/behind_holes.h"
#include "core/temporal/fuse.h"

namespace reddiff {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// The input enlarged without a prior: what strength=0 gives and what a failed solve falls back to.
at::Tensor plainly_resampled(const at::Tensor& picture, int factor) {
  if (factor == 1) return picture;
  return at::upsample_bicubic2d(picture, {picture.size(2) * factor, picture.size(3) * factor}, false);
}

// Adam's epsilon on the gradient of a mean loss, seen from the per-image gradient (see Note [Effective epsilon]).
void settle_epsilon(SolverConfig& solver, const at::Tensor& mu) {
  if (solver.epsilon_of_mean_loss) solver.optimizer_epsilon = 1e-8 * static_cast<double>(mu.numel() / mu.size(0));
}

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

// First level of each pixel: where its past is not trusted it starts as a frame without one does.
at::Tensor trusted_level(const at::Tensor& trust, double cold, double warm) {
  if (cold <= 0 || warm <= 0) return {};  // the paper's whole schedule
  return at::pow(warm / cold, trust).mul_(cold);
}

// A large hole is estimated afresh for the filter: what z shall learn there must not be what it has told the warm start.
at::Tensor outside_of_large_holes(const at::Tensor& trust, const at::Tensor& known) {
  return trust * (1 - large_holes(at::upsample_nearest2d(known, {trust.size(2), trust.size(3)})));
}

}  // namespace

// What one frame tells.
struct Engine::Measurement {
  at::Tensor picture;  // [1,3,h,w], as read, missing pixels filled
  at::Tensor known;    // [1,1,h,w], 1 or 0; undefined without a mask
  at::Tensor alpha;    // [1,1,h,w]; undefined without alpha, or when it was the mask
  Clipping clipping;   // what the limits of code values did to its noise
  Resolved resolved;
};

Engine::Engine(const Config& config, bool live, const std::string& model_dirs, const FilterConstants& constants,
               std::unique_ptr<Flow> (*flow)())
    : config_(config), live_(live), device_(parse_device(config.device)) {
  Config quiet = config;
  quiet.noise = 0;  // it comes with each frame; where the filter knows a problem at some level it does so without noise
  const Resolved resolved = resolve(quiet, live, 8);
  op_ = make_operator(resolved.op);
  auto prior = make_prior({config.prior, model_dirs, device_, config.precision});
  prior_ = std::make_unique<TiledDenoiser>(std::move(prior), TileOptions{config.tile_size, config.tile_overlap});
  const bool filters = config.temporal == Temporal::filter && resolved.filters;
  if (filters) filter_.emplace(config.scene_threshold, flow(), constants);
  // Beside the filter too, where the first guess matters: the measurement does not show the picture itself.
  const bool guesses = resolved.kind == ProblemKind::reduce || resolved.kind == ProblemKind::blur;
  if (config.temporal != Temporal::none && (!filters || guesses)) warm_start_.emplace(config.scene_threshold, flow());
}

std::string Engine::description() const { return prior_->description() + " on " + device_.str(); }

void Engine::reset() {
  if (warm_start_) warm_start_->reset();
  if (filter_) filter_->reset();
  noise_.reset();
  clipping_ = {};
  geometry_.reset();
}

void Engine::check_frames(const FrameView& in, const FrameView& out) {
  validate(in);
  validate(out);
  const int scale = op_->factor();
  if (out.width != in.width * scale || out.height != in.height * scale)
    throw Error(ErrorCode::format, "the output frame must be " + std::to_string(scale) + " times the input's size");
  const Geometry geometry{
      in.width,      in.height,    in.component[0].depth, in.component[1].width, in.component[1].height, in.model,
      in.full_range, in.has_alpha, in.chroma_cosited_x,   in.chroma_cosited_y,   in.matrix.kr,           in.matrix.kb};
  if (geometry_ && *geometry_ != geometry) reset();
  geometry_ = geometry;
}

Engine::Measurement Engine::measure(const FrameView& in, const FrameOptions& options) {
  Measurement measurement;
  measurement.picture = read_picture(in, device_);
  measurement.alpha = read_alpha(in, device_);
  Config config = config_;
  config.noise = options.noise;
  const auto mask = resolve_mask(config);
  if (mask != MaskSource::none) measurement.known = known_pixels(options, mask, measurement.picture, measurement.alpha);
  const bool solves = options.most_calls != 0;  // else the past stays as it is, that of the noise too
  if (estimates_noise(config)) {
    const double level =
        solves ? noise_.update(estimate_noise(in, measurement.picture, measurement.known)) : noise_.level();
    config.noise = level_to_user(level);
    if (config.task == Task::restore) config.noise = std::max(config.noise, options.least_noise);
  }
  measurement.resolved = resolve(config, live_, in.component[0].depth, options.most_calls);
  if (measurement.known.defined()) measurement.picture = fill_holes(measurement.picture, measurement.known);
  if (measurement.resolved.clips_noise && solves)
    measurement.clipping = clipping_of(in, measurement.picture, measurement.resolved.noise);
  return measurement;
}

// Over some frames, so that it does not change its mind with every one.
Clipping Engine::clipping_of(const FrameView& in, const at::Tensor& picture, double noise) {
  constexpr double kept = 0.8;
  const auto evidence = clipping_evidence(in, picture, noise);
  const auto add = [](EvidenceOfEnd& past, const EvidenceOfEnd& now) {
    past = {kept * past.towards + now.towards, kept * past.away + now.away, kept * past.values + now.values};
  };
  add(clipping_.black, evidence.black);
  add(clipping_.white, evidence.white);
  return {clipping_.black.clipped(), clipping_.white.clipped(), in.model == ColorModel::ycbcr};
}

at::Tensor Engine::solve(const Measurement& measurement, const FrameOptions& options, FrameReport& report) {
  Problem problem;
  problem.op = op_;
  problem.y = op_->channels() == 1 ? measurement.picture.mean(1, true) : measurement.picture;
  problem.weights = measurement.known;
  problem.noise = measurement.resolved.noise;
  problem.clipping = measurement.clipping;

  const auto& resolved = measurement.resolved;
  const bool filters = filter_ && resolved.filters;
  const auto filtering = !filters                        ? Filtering::nothing
                         : resolved.filters_measurements ? Filtering::measurements
                                                         : Filtering::pictures;
  if (filter_ && filtering != filtering_) {  // the noise is another one: what is remembered is of another kind, or old
    filter_->reset();
    if (warm_start_) warm_start_->reset();
  }
  filtering_ = filtering;
  if (filters && resolved.filters_measurements) problem = measured_along_time(std::move(problem), report);
  const auto plain = op_->pseudo_inverse(problem.y);
  const auto single = solve_alone(problem, plain, resolved, options, report);
  if (!filters || resolved.filters_measurements) return single;
  return solve_along_time(problem, plain, single, resolved, options, report);
}

// The measurement with less noise, for motion and what is wrong with it; takes clipping out of problem.y. For a blur H^T y: the blur
// leaves no more detail than that, and it has little noise. For a reduction a call of the prior, which costs little at this size.
at::Tensor Engine::estimate_of_rows(Problem& problem, FrameReport& report) const {
  at::Tensor estimate;
  if (op_->factor() == 1) {
    estimate = op_->vjp(problem.y, problem.y);
  } else {
    const auto before = Clock::now();
    estimate = prior_->denoise(problem.y, at::full({1, 1, 1, 1}, problem.noise, problem.y.options()));
    report.ms.prior += milliseconds_since(before);
  }
  if (!problem.clipping) return estimate;
  estimate = mean_before_clipping(estimate, problem.noise, problem.clipping);
  problem.y = rows(problem, estimate);
  problem.clipping = {};
  return op_->factor() == 1 ? op_->vjp(problem.y, problem.y) : estimate;
}

// The blur of a moved picture is the moved blur, and so with a reduction where noise hides what it aliases. So here the measurement
// is what is filtered, and the solver finds less noise in it.
Problem Engine::measured_along_time(Problem problem, FrameReport& report) {
  const auto single = estimate_of_rows(problem, report);
  const auto before = Clock::now();
  Measured measured{problem.y, {}, single, problem.noise};
  if (op_->factor() == 1) measured.noise_left = op_->mean_gain();
  const auto estimate = filter_->update(measured);
  report.ms.flow += milliseconds_since(before);
  report.cut = estimate.cut;
  report.cold = !estimate.z.defined();
  if (estimate.cut) warm_start_->reset();
  if (report.cold) return problem;
  problem.y = estimate.z;
  problem.noise = estimate.level.square().mean().sqrt().item<double>();
  return problem;
}

// From this frame's measurement; a warm start takes its first guess from the last frame.
at::Tensor Engine::solve_alone(Problem problem, const at::Tensor& plain, const Resolved& resolved,
                               const FrameOptions& options, FrameReport& report) {
  Start start{plain, {}, resolved.kind == ProblemKind::fill};
  const bool reduces = resolved.kind == ProblemKind::reduce;
  const bool along = filter_ && resolved.filters && !resolved.filters_measurements;  // the filter comes after this
  // Where H loses resolution its birth takes this for the answer: then all steps are made here.
  SolverConfig config = along && !reduces ? resolved.alone : resolved.cold;
  // From a filtered small measurement a warm start's low levels leave noise in the picture.
  const bool warms = warm_start_ && !(filter_ && reduces && resolved.filters_measurements);
  if (warms) {
    const auto before = Clock::now();
    const bool fuses = config.renoise == Renoise::measurement;
    const auto prediction = warm_start_->predict(plain, problem.noise, !fuses);
    report.cut = report.cut || prediction.cut;
    // Where measurements are filtered the filter has looked already, and y has its past in it.
    if (prediction.cut && filter_ && !resolved.filters_measurements) filter_->reset();
    if (prediction.moved.defined()) {
      config = along ? resolved.alone : resolved.warm;
      report.cold = false;
      if (fuses) {
        const auto fused = fuse(rows(problem, prediction.moved), prediction.moved, problem.noise);
        start = {fused.mu, fused.level, false};
        problem.clipping = {};  // what is denoised now is not clipped
      } else {
        const auto trust = along && problem.weights.defined()
                               ? outside_of_large_holes(prediction.trust, problem.weights)
                               : prediction.trust;
        start.mu = at::lerp(start.mu, prediction.moved, trust);
        start.level = trusted_level(trust, resolved.cold.start_level, config.start_level);
        start.measured = false;
      }
    }
    report.ms.flow += milliseconds_since(before);
  }
  const auto solution = run(problem, config, start, options, report);
  if (warms) warm_start_->remember(plain, solution.mu);
  return solution.mu;
}

// From what all frames have measured. `single`: the estimate from this one alone.
at::Tensor Engine::solve_along_time(const Problem& problem, const at::Tensor& plain, const at::Tensor& single,
                                    const Resolved& resolved, const FrameOptions& options, FrameReport& report) {
  const auto before = Clock::now();
  const bool reduces = resolved.kind == ProblemKind::reduce, complete = reduces && report.cold;
  Measured measured{plain, problem.weights, single, problem.noise};
  if (!reduces) measured.picture = rows(problem, single);
  if (reduces) {
    measured.residual = [&](const at::Tensor& x) { return problem.y - op_->forward(x); };
    const double level = resolved.cold.start_level;
    const double highest =
        level > 0 ? std::clamp(level, prior_->sigma_min(), prior_->sigma_max()) : prior_->sigma_max();
    const double rho = std::pow(problem.noise / highest, 2);
    measured.agree = [&, rho](const at::Tensor& z) { return op_->prox(z, problem.y, problem.weights, rho); };
  }
  const auto estimate = filter_->update(measured);
  report.ms.flow += milliseconds_since(before);
  report.cut = report.cut || estimate.cut;
  report.cold = !estimate.z.defined();
  if ((report.cold && complete) || resolved.along.steps == 0) return single;
  if (!report.cold) {
    Problem along = problem;
    if (!reduces) along.clipping = {};  // z is not clipped
    const auto solution = run(along, resolved.along, {estimate.z, estimate.level}, options, report);
    if (!reduces) filter_->remember(solution.mu);
    return solution.mu;
  }
  if (resolved.cold.renoise != Renoise::measurement)
    return run(problem, resolved.along, {single, {}}, options, report).mu;
  if (resolved.cold.steps == 1 || options.most_calls > 0) return single;
  return run(problem, resolved.cold, {problem.y, {}}, options, report).mu;
}

Solution Engine::run(const Problem& problem, SolverConfig config, Start start, const FrameOptions& options,
                     FrameReport& report) const {
  if (start.level.defined() && !prior_->per_pixel_sigma())
    start.level = start.level.square().mean().sqrt().view({1, 1, 1, 1});  // it takes one level per picture
  settle_epsilon(config, start.mu);
  const auto optimizer = make_optimizer(config);
  auto solution = red_diff(*prior_, problem, config, *optimizer, start, config_.seed, options.abort, &report.ms);
  report.prior_calls += static_cast<int>(solution.levels.size());
  const auto [lowest, highest] = std::minmax_element(solution.levels.begin(), solution.levels.end());
  report.start_level = level_to_user(*highest);
  report.end_level = level_to_user(*lowest);
  return solution;
}

FrameReport Engine::process(const FrameView& in, const FrameView& out, const FrameOptions& options) {
  const c10::InferenceMode no_gradients;
  const AbortScope scope(options.abort);
  const auto begin = Clock::now();
  FrameReport report;
  check_frames(in, out);
  auto measurement = measure(in, options);
  report.noise = level_to_user(measurement.resolved.noise);
  report.ms.convert = milliseconds_since(begin);

  const auto before_solve = Clock::now();
  auto restored = options.most_calls == 0 ? plainly_resampled(measurement.picture, op_->factor())
                                          : solve(measurement, options, report);
  report.not_finite = !restored.isfinite().all().item<bool>();  // waits for a GPU
  const double solve_ms = milliseconds_since(before_solve);
  if (report.cut) {
    noise_.restart();
    clipping_ = {};
  }
  report.ms.optimizer = std::max(0.0, solve_ms - report.ms.flow - report.ms.prior - report.ms.op);

  const auto before_write = Clock::now();
  if (report.not_finite) {
    reset();
    restored = plainly_resampled(measurement.picture, op_->factor());
  } else {
    if (options.strength < 1) {
      const auto plain = plainly_resampled(measurement.picture, op_->factor());
      auto share = at::full({1, 1, 1, 1}, options.strength, restored.options());
      if (measurement.known.defined()) {
        const auto known = at::upsample_nearest2d(measurement.known, {restored.size(2), restored.size(3)});
        share = 1 - known * (1 - share);
      }
      restored = at::lerp(plain, restored, share.expand_as(restored));
    }
  }
  at::Tensor alpha;
  if (measurement.alpha.defined()) alpha = plainly_resampled(measurement.alpha, op_->factor()).clamp_(0, 1);
  write_picture(restored, alpha, out);
  report.ms.convert += milliseconds_since(before_write);

  report.tiles = static_cast<int>(prior_->tiles(out.height, out.width));
  report.tiles_halved = prior_->tiles_halved() > 0;
  report.ms.total = milliseconds_since(begin);
  return report;
}

}  // namespace reddiff
