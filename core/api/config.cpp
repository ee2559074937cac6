// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/config.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/api/error.h"
#include "core/api/presets.h"

namespace reddiff {
namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ErrorCode::settings, sentence); }

ProblemKind problem_kind(const OperatorSpec& op, bool masked) {
  if (op.factor() > 1) return ProblemKind::reduce;
  if (op.stages.size() > 1 || op.stages.front().name != "identity") return ProblemKind::blur;
  return masked ? ProblemKind::fill : ProblemKind::denoise;
}

template <typename E> void override_with(E user, E& value) {
  if (user != E::preset) value = user;
}

void override_with(double user, double& value) {
  if (user >= 0) value = user;
}

void apply_user_values(const Config& config, SolverConfig& solver) {
  override_with(config.solver, solver.solver);
  override_with(config.weighting, solver.weighting);
  override_with(config.order, solver.order);
  override_with(config.spacing, solver.spacing);
  override_with(config.prior_weight, solver.prior_weight);
  override_with(config.data_weight, solver.data_weight);
  override_with(config.learning_rate, solver.learning_rate);
  if (config.steps >= 0) solver.steps = config.steps;
  if (config.start_level >= 0) {
    solver.start_level = level_to_core(config.start_level);
    solver.end_level = solver.start_level > 0 ? std::min(solver.end_level, solver.start_level) : 0;
  }
  if (config.optimizer_epsilon >= 0) {
    solver.optimizer_epsilon = config.optimizer_epsilon;
    solver.epsilon_of_mean_loss = false;
  }
}

// A preset is tuned for one optimiser; another one needs gradients of fresh noise and the fixed weights of the paper.
void choose_optimizer(Optimizer user, SolverConfig& solver) {
  if (user == Optimizer::preset || user == solver.optimizer) return;
  const bool was_fixed_point = solver.optimizer == Optimizer::fixed_point;
  solver.optimizer = user;
  if (!was_fixed_point) return;
  SolverConfig stochastic;
  solver.renoise = Renoise::every_step;
  solver.balance = Balance::fixed;
  solver.average = solver.symmetries = false;
  solver.prior_weight = stochastic.prior_weight;
  solver.data_weight = stochastic.data_weight;
  solver.end_level = 0;
  constexpr int enough = 50;  // each moves the mean a little only
  solver.steps = std::max(solver.steps, enough);
}

void check_numbers(const SolverConfig& solver) {
  if (solver.prior_weight <= 0) refuse("prior-weight must be above 0; use strength=0 to pass the input through");
  if (solver.steps < 1) refuse("steps must be at least 1");
  const double learning_rate = solver.learning_rate;
  if (solver.optimizer != Optimizer::fixed_point && !(learning_rate > 0)) refuse("learning-rate must be above 0");
}

SolverConfig finish(const Config& config, SolverConfig solver) {
  choose_optimizer(config.optimizer, solver);
  apply_user_values(config, solver);
  check_numbers(solver);
  return solver;
}

// With the temporal filter the steps of a frame with a past are made in two runs, alone and along. Where H loses resolution a good
// estimate from the frame alone is worth more than a second look at what the filter makes of it.
void share_steps(int most_calls, Resolved& resolved) {
  const bool lossy = resolved.kind == ProblemKind::reduce;
  resolved.alone = lossy ? resolved.warm : resolved.cold;
  resolved.along = resolved.cold;
  const int steps = resolved.cold.steps;
  resolved.alone.steps = lossy ? std::max(1, steps - 1) : 1;
  resolved.along.steps = std::max(most_calls == 1 ? 0 : 1, steps - resolved.alone.steps);
  if (lossy) resolved.along.start_level = resolved.along.end_level;
  if (resolved.kind == ProblemKind::fill) resolved.along.start_level = 2 * resolved.along.end_level;
}

// Which problems the temporal filter knows.
bool filters(const Resolved& resolved, bool masked) {
  if (resolved.cold.optimizer != Optimizer::fixed_point) return false;
  switch (resolved.kind) {
    case ProblemKind::reduce:
      return is_noisy(resolved.noise) ? !masked && resolved.op.keeps_colour() : !masked || resolved.op.keeps_colour();
    case ProblemKind::blur:
      return !masked && resolved.op.shift_equivariant();
    default:
      return true;
  }
}

}  // namespace

OperatorSpec resolve_operator(const Config& config) {
  OperatorSpec op;
  if (!config.operator_text.empty()) {
    op = parse_operator(config.operator_text);
  } else {
    switch (config.task) {
      case Task::super_resolution:
        if (config.scale == 1) refuse("task=super-resolution needs scale=2 to 8; scale=1 leaves nothing to enlarge");
        op = parse_operator("bicubic:factor=" + std::to_string(config.scale == 0 ? 2 : config.scale));
        break;
      case Task::deblur:
        refuse("task=deblur needs the blur: set for example operator=gaussian-blur:sigma=1.6");
      default:
        op = parse_operator("identity");
    }
  }
  if (config.scale != 0 && config.scale != op.factor())
    refuse("scale=" + std::to_string(config.scale) + " does not fit operator " + op.text() + ", which reduces by " +
           std::to_string(op.factor()) + "; leave scale at 0, set task=super-resolution, or choose another operator");
  return op;
}

int resolve_scale(const Config& config) { return resolve_operator(config).factor(); }

MaskSource resolve_mask(const Config& config) {
  const bool inpaints = config.task == Task::inpaint;
  switch (config.mask_source) {
    case MaskSource::automatic:
      if (!config.mask_location.empty()) return MaskSource::file;
      if (!config.mask_roi_type.empty()) return MaskSource::roi;
      return inpaints ? MaskSource::alpha : MaskSource::none;
    case MaskSource::none:
      if (inpaints)
        refuse(
            "task=inpaint needs a mask: set mask-source=alpha and send video with an alpha channel, or set "
            "mask-location to a "
            "picture, or mask-roi-type to the regions that are missing");
      break;
    case MaskSource::file:
      if (config.mask_location.empty())
        refuse("mask-source=file needs a picture: set mask-location to one whose dark parts are missing");
      break;
    default:
      break;
  }
  return config.mask_source;
}

bool estimates_noise(const Config& config) {
  return config.noise < 0 && (config.task == Task::denoise || config.task == Task::restore);
}

Resolved resolve(const Config& config, bool live, int bit_depth, int most_calls) {
  Resolved resolved;
  resolved.op = resolve_operator(config);
  resolved.scale = resolved.op.factor();
  resolved.mask = resolve_mask(config);
  const bool masked = resolved.mask != MaskSource::none;
  const double one_code = 2.0 / (std::ldexp(1.0, bit_depth) - 1);
  resolved.noise = std::max(level_to_core(std::max(config.noise, 0.0)), one_code / std::sqrt(12.0));
  const Preset automatic = live ? Preset::live : Preset::quality;
  const Preset preset = config.preset == Preset::automatic ? automatic : config.preset;
  resolved.kind = problem_kind(resolved.op, masked);
  const auto solver = preset_solver(preset, resolved.kind, resolved.noise);
  resolved.cold = finish(config, solver.cold);
  resolved.warm = finish(config, solver.warm);
  if (most_calls > 0)
    for (SolverConfig* run : {&resolved.cold, &resolved.warm}) run->steps = std::min(run->steps, most_calls);
  for (SolverConfig* run : {&resolved.cold, &resolved.warm})
    if (run->steps == 1) run->return_before_step = false;  // that would be the start, whatever the call has said
  share_steps(most_calls, resolved);
  resolved.filters = filters(resolved, masked);
  const bool noisy_reduction = resolved.kind == ProblemKind::reduce && is_noisy(resolved.noise);
  resolved.filters_measurements = resolved.filters && (resolved.kind == ProblemKind::blur || noisy_reduction);
  // The paper's loss knows no clipping.
  resolved.clips_noise = preset != Preset::paper && is_noisy(resolved.noise);
  return resolved;
}

}  // namespace reddiff
