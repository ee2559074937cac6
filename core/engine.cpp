// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/engine.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/api/abort.h"
#include "core/api/units.h"
#include "core/device.h"
#include "core/frame/blend.h"
#include "core/frame/convert.h"
#include "core/frame/device_queue.h"
#include "core/frame/frame_device.h"
#include "core/frame/grain.h"
#include "core/frame/overlay.h"
#include "core/registry.h"
#include "core/solvers/rng.h"

namespace reddiff {
namespace {

// Whether anything of the answer would be seen.
bool is_worth_solving(const FrameOptions& options, MaskSource mask) {
  return options.most_calls != 0 && (options.strength > 0 || mask != MaskSource::none);
}

// One value. On a GPU from the ends of all values, which are read once: one that is not finite shows there.
at::Tensor is_finite(const at::Tensor& picture) {
  if (picture.is_cpu()) return picture.isfinite().all();
  const auto [low, high] = at::aminmax(picture);
  return at::isfinite(high - low);
}

Errors errors_of(const Observed& seen) {
  if (seen.likelihood->has_intervals()) return Errors::intervals;
  return seen.kind == error_kind::codec ? Errors::codec : Errors::noise;
}

bool says_true(Awaited& value) { return value.get().item<bool>(); }

}  // namespace

Engine::Engine(const Config& config, bool live, const std::string& model_dirs, const FilterConstants& constants,
               std::unique_ptr<Flow> (*flow)())
    : config_(config),
      book_(config, live),
      device_(parse_device(config.device)),
      op_(make_operator(book_.op())),
      prior_(std::make_unique<TiledDenoiser>(
          make_prior({config.prior, model_dirs, device_, config.precision, config.allow_code, book_.time_counts()}),
          TileOptions{config.tile_size, config.tile_overlap})),
      solver_(make_solver(book_.solver(), book_.options(), config.seed)),
      tools_{op_, book_.kind(), *prior_, *solver_, constants},
      motion_search_{config.scene_threshold, flow()},
      deinterlacer_(device_, *motion_search_.flow),
      concealer_(device_, *motion_search_.flow),
      observer_(make_observer()) {
  check_needs(solver_->needs(), book_.solver(), *op_, *prior_, book_.mask() != MaskSource::none);
}

int Engine::cuda_device() const { return device_.is_cuda() ? device_.index() : -1; }

std::string Engine::description() const { return prior_->description() + " on " + device_.str(); }

Observer Engine::make_observer() const {
  return {config_,
          book_.kind(),
          book_.mask(),
          {book_.knows_clipping(), book_.knows_intervals(), book_.cleans_first(), book_.cells()},
          prior_->kinds(),
          device_,
          [&prior = *prior_](const at::Tensor& u, double level) {
            return prior.denoise(u, at::full({1, 1, 1, 1}, level, u.options()));
          }};
}

void Engine::reset() {
  restoration_.reset();
  observer_ = make_observer();
  deinterlacer_.reset();
  concealer_.reset();
  geometry_.reset();
  frames_ = 0;
  last_ms_ = 0;
}

void Engine::check_frames(const FrameView& in, const FrameView& out) {
  validate(in);
  validate(out);
  const int scale = op_->factor();
  if (out.width != in.width * scale || out.height != in.height * scale)
    throw Error(ErrorCode::format, "the output frame must be " + std::to_string(scale) + " times the input's size");
  if (only_makes_frames(config_) && !have_one_layout(in, out))
    throw Error(ErrorCode::format, "task=deinterlace leaves the format of frames as it is");
  const Geometry geometry = geometry_of(in);
  if (geometry_ && *geometry_ != geometry) reset();
  geometry_ = geometry;
}

Restored Engine::restore(const Observed& seen, const Plan& plan, Trace& trace) {
  // The noise is another one: what is remembered is of another kind, or old.
  if (!restoration_ || shape_ != plan.shape) restoration_ = make_restoration(plan.shape, tools_);
  shape_ = plan.shape;
  const auto y = op_->channels() == 1 ? seen.picture.mean(1, true) : seen.picture;
  Motion motion(motion_search_);
  auto restored = restoration_->restore({op_, y, seen.known, seen.likelihood, seen.kind}, plan, motion, trace);
  if (restored.cut) observer_.start_scene();
  return restored;
}

// As much of it as is asked for.
at::Tensor Engine::mixed(const FrameView& in, const Observed& seen, const at::Tensor& restored,
                         const FrameOptions& options) const {
  const bool keeps_chroma = options.chroma_strength >= 1 || in.model == ColorModel::gray;
  if (options.strength >= 1 && keeps_chroma) return restored;
  const auto plain = plainly_resampled(seen.picture, op_->factor());
  const auto blend = options.strength >= 1 ? restored : blended(plain, restored, seen.known, options.strength);
  if (keeps_chroma) return blend;
  const ColorMatrix matrix = in.model == ColorModel::ycbcr ? in.matrix : ColorMatrix{};
  return chroma_blended(plain, blend, seen.known, matrix, options.chroma_strength);
}

// As much of the input as is to be compared with it.
at::Tensor Engine::beside_input(const Observed& seen, const at::Tensor& picture, const FrameOptions& options) const {
  if (options.compared <= 0) return picture;
  return compared(plainly_resampled(seen.picture, op_->factor()), picture, options.compared);
}

// What was taken away, made anew; what a codec left is nobody's grain.
at::Tensor Engine::with_grain(const at::Tensor& picture, const FrameView& out, const Observed& seen,
                              const FrameOptions& options) const {
  const double share = options.grain * options.strength;
  if (share <= 0 || seen.noise_free || seen.is_least || !is_noisy(seen.noise.rms)) return picture;
  constexpr std::uint64_t purpose = 0x677261696e;  // apart from every other use of the seed
  const auto unit =
      normal_field(mix_seed(mix_seed(config_.seed, purpose), frames_), 0, picture.sizes(), picture.device());
  const Grain like{seen.noise.rms, seen.noise.of_planes, options.noise < 0, seen.likelihood->spectrum(),
                   seen.likelihood->sigma_map()};
  return picture + grain(like, out, unit) * share;
}

// What leaves: the plain picture in the place of one that has diverged. A GPU decides, and is asked when the frame is done.
Engine::Shown Engine::shown(const FrameView& in, const FrameView& out, const Observed& seen, const at::Tensor& restored,
                            const FrameOptions& options) const {
  const auto plain = [&] { return plainly_resampled(seen.picture, op_->factor()); };
  if (!restored.defined()) return {plain(), {}};
  const auto finite = is_finite(restored);
  const auto good = [&] { return with_grain(mixed(in, seen, restored, options), out, seen, options); };
  if (restored.is_cpu()) return {finite.item<bool>() ? good() : plain(), Awaited(finite)};
  return {at::where(finite, good(), plain()), Awaited(finite)};
}

// Code values can be passed on as they are, if there is nothing to restore.
bool Engine::may_pass(const FrameView& in, const FrameView& out) const {
  return book_.kind() == ProblemKind::denoise && have_one_layout(in, out);
}

FrameReport Engine::process_or_throw(const FrameView& in, const FrameView& out, const FrameOptions& options) {
  const c10::InferenceMode no_gradients;
  const AbortScope scope(options.abort);
  Trace trace(device_);
  check_frames(in, out);
  for (const FrameView* frame : {&in, &out}) wait_for_frame(*frame);
  see_lines(in, options, trace);
  if (options.shown && !only_makes_frames(config_)) {
    if (options.lines == FrameLines::all) return concealed_frame(in, out, options, trace);
    const FrameLike whole(in);
    deinterlacer_.write(whole.view());
    return restored_frame(whole.view(), out, options, trace);
  }
  if (options.shown) show_whole(in, out, options, trace);
  finish_frame(options.shown ? out : in, device_);
  FrameReport report;
  report.prior_calls = trace.prior_calls();
  report.start_level = report.end_level = level_to_user(trace.highest_level());
  report.tiles = static_cast<int>(prior_->tiles(out.height, out.width));
  report.ms = trace.times();
  return report;
}

void Engine::see_lines(const FrameView& in, const FrameOptions& options, Trace& trace) {
  if (options.lines == FrameLines::all) return deinterlacer_.reset();
  concealer_.reset();
  if (!makes_frames_of_fields(config_))
    throw Error(ErrorCode::settings, "This frame has two fields: set deinterlace=auto, or task=deinterlace.");
  deinterlacer_.see(in, options.lines, trace);
}

// Of task=deinterlace.
void Engine::show_whole(const FrameView& in, const FrameView& out, const FrameOptions& options, Trace& trace) {
  if (options.lines != FrameLines::all && book_.cleans_fields() && options.most_calls != 0)
    deinterlacer_.write_cleaned(out, *prior_, trace);
  else if (options.lines != FrameLines::all)
    deinterlacer_.write(out);
  else
    copy_frame(in, out);
}

// What damage has left of a frame comes first: the rest takes it for one that came so.
FrameReport Engine::concealed_frame(const FrameView& in, const FrameView& out, const FrameOptions& options,
                                    Trace& trace) {
  const auto repaired = concealer_.see(in, options.damage, options.steps, trace);
  if (!repaired) return restored_frame(in, out, options, trace);
  auto report = restored_frame(repaired->frame.view(), out, options, trace);
  report.concealed_share = repaired->share;
  return report;
}

FrameReport Engine::restored_frame(const FrameView& in, const FrameView& out, const FrameOptions& options,
                                   Trace& trace) {
  const auto halved_before = prior_->tiles_halved();
  FrameReport report;
  const bool solves = is_worth_solving(options, book_.mask());
  if (options.strength == 0 && !solves) restoration_.reset();  // it has not seen the frames between
  const bool passes = may_pass(in, out);
  const auto seen = trace.in(Trace::Stage::convert, [&] { return observer_.observe(in, options, solves, passes); });
  std::optional<Awaited> any_known;
  if (seen.known.defined()) any_known.emplace(seen.known.any());
  Restored restored;
  if (solves && passes && seen.noise_free && !seen.known.defined()) {
    restoration_.reset();
    trace.in(Trace::Stage::convert, [&] { copy_frame(in, out); });
  } else {
    if (solves) restored = restore(seen, book_.at(seen.sigma_y(), options.most_calls, errors_of(seen)), trace);
    auto [whole, finite] = shown(in, out, seen, restored.mu, options);
    const auto picture = beside_input(seen, whole, options);
    trace.in(Trace::Stage::convert, [&] {
      at::Tensor alpha;
      if (seen.alpha.defined()) alpha = plainly_resampled(seen.alpha, op_->factor()).clamp_(0, 1);
      write_picture(picture, alpha, out);
    });
    report.not_finite = finite && !says_true(*finite);
    if (report.not_finite) reset();
  }
  finish_frame(out, device_);
  report.none_known = any_known && !says_true(*any_known);
  report.cold = restored.cold;
  report.cut = restored.cut;
  report.prior_calls = trace.prior_calls();
  report.noise = level_to_user(seen.noise.rms);
  report.noise_is_least = seen.is_least;
  std::transform(seen.noise.of_planes.begin(), seen.noise.of_planes.end(), report.noise_of_plane.begin(),
                 level_to_user);
  report.noise_slope = seen.noise.slope;
  report.noise_share = seen.noise.share;
  report.coded_share = seen.coded_share;
  report.start_level = level_to_user(trace.highest_level());
  report.end_level = level_to_user(trace.lowest_level());
  report.tiles = static_cast<int>(prior_->tiles(out.height, out.width));
  report.tiles_halved = static_cast<int>(prior_->tiles_halved() - halved_before);
  report.ms = trace.times();
  return report;
}

// Of the frame as it leaves: nothing that is remembered has seen it.
void Engine::draw_over(const FrameView& out, const FrameReport& report, const FrameOptions& options) {
  const c10::InferenceMode no_gradients;
  if (options.overlay != 0) {
    draw_overlay(overlay_lines(options.overlay, report, last_ms_), out, device_);
    finish_frame(out, device_);
  }
  last_ms_ = report.ms.total;
  ++frames_;
}

FrameReport Engine::process(const FrameView& in, const FrameView& out, const FrameOptions& options) {
  try {
    const auto report = process_or_throw(in, out, options);
    if (options.shown) draw_over(out, report, options);
    return report;
  } catch (...) {
    reset();  // a past that is half of this frame is worse than none
    throw;
  }
}

}  // namespace reddiff
