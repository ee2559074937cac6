// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/plan.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "core/api/error.h"
#include "core/api/units.h"

namespace reddiff {
namespace {

// The same, behind a look at the small picture.
Shape with_cleaning(Shape shape) {
  if (shape == Shape::independent) return Shape::cleaned;
  return shape == Shape::reduced_pictures ? Shape::cleaned_pictures : Shape::cleaned_start;
}

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ErrorCode::settings, sentence); }

ProblemKind problem_kind(const OperatorSpec& op, bool masked) {
  if (const IntervalKind cells = op.cells(); cells != IntervalKind::none)
    return cells == IntervalKind::clipped     ? ProblemKind::clipped
           : cells == IntervalKind::quantised ? ProblemKind::quantised
                                              : ProblemKind::coded;
  if (op.factor() > 1) return ProblemKind::reduce;
  if (op.stages.size() > 1 || op.stages.front().name != "identity") return ProblemKind::blur;
  return masked ? ProblemKind::fill : ProblemKind::denoise;
}

// Of those that say intervals.
std::string interval_operators() {
  std::string list;
  for (const auto& kind : operator_kinds())
    if (kind.traits.cells != IntervalKind::none) list += (list.empty() ? "" : ", ") + std::string(kind.name);
  return list;
}

Preset settled(Preset preset, bool live) {
  if (preset != Preset::automatic) return preset;
  return live ? Preset::live : Preset::quality;
}

// An optimiser is RED-Diff's; `fixed-point` is the old word for the exact step.
SolverKind asked_for(const Config& config) {
  if (config.optimizer == Optimizer::preset) return config.solver;
  const auto meant = config.optimizer == Optimizer::fixed_point ? SolverKind::hqs : SolverKind::red_diff;
  if (config.solver != SolverKind::preset && config.solver != meant)
    refuse("optimizer=" + std::string(nick(config.optimizer)) + " does not belong to solver=" + nick(config.solver) +
           ": leave optimizer at preset, or set solver=" + nick(meant));
  return meant;
}

SolverKind choose_solver(const Config& config, Preset preset, ProblemKind kind) {
  const auto asked = asked_for(config);
  if (asked == SolverKind::preset) return preset_solver(preset, kind);
  if (asked == SolverKind::ensemble && kind != ProblemKind::denoise)
    refuse("solver=ensemble only removes noise; leave solver at preset, or set solver=hqs, for this operator or mask");
  // Where the measurement is the picture, its exact step is to denoise it at sigma_y.
  if (asked == SolverKind::hqs && kind == ProblemKind::denoise) return SolverKind::ensemble;
  return asked;
}

void override_with(double user, double& value) {
  if (user >= 0) value = user;
}

void apply_user_values(const Config& config, SolverOptions& options) {
  std::visit(
      [&](auto& chosen) {
        if constexpr (requires { chosen.prior_weight; }) {
          if (config.weighting != Weighting::preset) chosen.weighting = config.weighting;
          override_with(config.prior_weight, chosen.prior_weight);
          override_with(config.data_weight, chosen.data_weight);
        }
        if constexpr (requires { chosen.zeta; }) override_with(config.zeta, chosen.zeta);
        if constexpr (requires { chosen.eta; }) override_with(config.eta, chosen.eta);
        if constexpr (std::is_same_v<decltype(chosen), RedDiffOptions&>) {
          if (config.optimizer != Optimizer::preset) chosen.optimizer = config.optimizer;
          override_with(config.learning_rate, chosen.learning_rate);
          if (config.optimizer_epsilon >= 0) chosen.optimizer_epsilon = config.optimizer_epsilon;
        }
      },
      options);
}

double prior_weight_of(const SolverOptions& options) {
  return std::visit(
      [](const auto& chosen) {
        if constexpr (requires { chosen.prior_weight; }) return chosen.prior_weight;
        return 1.0;
      },
      options);
}

}  // namespace

ProblemKind resolve_problem(const Config& config) {
  return problem_kind(resolve_operator(config), resolve_mask(config) != MaskSource::none);
}

PlanBook::PlanBook(const Config& config, bool live)
    : op_(resolve_operator(config)),
      mask_(resolve_mask(config)),
      preset_(settled(config.preset, live)),
      kind_(problem_kind(op_, mask_ != MaskSource::none)),
      solver_(choose_solver(config, preset_, kind_)),
      options_(preset_options(preset_, kind_, solver_)),
      temporal_(config.temporal),
      user_{config.steps, config.start_level, config.order, config.spacing} {
  apply_user_values(config, options_);
  check_numbers();
  check_intervals();
}

void PlanBook::check_intervals() const {
  if (op_.linear() || (solver_ != SolverKind::hqs && solver_ != SolverKind::diffpir)) return;
  if (!says_intervals(kind_))
    refuse("operator " + op_.text() + ": of " + interval_operators() +
           " the exact step is known for one, in the last place, behind linear operators; change the order, or set "
           "solver=red-diff");
  const OperatorSpec before{{op_.stages.begin(), op_.stages.end() - 1}};
  if (kind_ == ProblemKind::coded && !before.keeps_colour())
    refuse("operator " + op_.text() + ": the exact step of jpeg is for three channels; set solver=red-diff");
  if (mask_ != MaskSource::none)
    refuse("operator " + op_.text() + " needs every pixel measured; take the mask away, or set solver=red-diff");
}

void PlanBook::check_numbers() const {
  if (user_.steps == 0) refuse("steps must be at least 1");
  if (prior_weight_of(options_) <= 0) refuse("prior-weight must be above 0; use strength=0 to pass the input through");
  if (const auto* diffpir = std::get_if<DiffPirOptions>(&options_); diffpir && diffpir->zeta > 1)
    refuse("zeta of solver=diffpir is a share, between 0 and 1");
  if (draws_a_sample(solver_) && user_.order != Order::preset && user_.order != Order::descending)
    refuse("solver=" + std::string(nick(solver_)) + " goes from much noise to little: leave order at preset");
  const auto* red_diff = std::get_if<RedDiffOptions>(&options_);
  if (red_diff && !(red_diff->learning_rate > 0)) refuse("learning-rate must be above 0");
}

Pass PlanBook::with_user_values(Pass pass) const noexcept {
  if (user_.order != Order::preset) pass.order = user_.order;
  if (user_.spacing != Spacing::preset) pass.spacing = user_.spacing;
  if (user_.steps >= 0) pass.steps = user_.steps;
  if (user_.start_level >= 0) {
    pass.start_level = level_to_core(user_.start_level);
    pass.end_level = pass.start_level > 0 ? std::min(pass.end_level, pass.start_level) : 0;
  }
  return pass;
}

// What the filter does not know has a warm start.
Shape PlanBook::shape_at(double sigma_y) const noexcept {
  if (temporal_ == Temporal::none) return Shape::independent;
  if (solver_ == SolverKind::red_diff || draws_a_sample(solver_) || says_intervals(kind_)) return Shape::warm_started;
  if (temporal_ == Temporal::warm_start)
    return solver_ == SolverKind::ensemble ? Shape::fused_start : Shape::warm_started;
  const bool masked = mask_ != MaskSource::none;
  switch (kind_) {
    case ProblemKind::denoise:
      return Shape::noisy_pictures;
    case ProblemKind::fill:
      return Shape::holed_pictures;
    case ProblemKind::blur:
      return !masked && op_.shift_equivariant() && op_.keeps_colour() ? Shape::blurred_measurements
                                                                      : Shape::warm_started;
    default:
      break;
  }
  if (is_noisy(sigma_y)) return !masked && op_.keeps_colour() ? Shape::reduced_measurements : Shape::warm_started;
  return !masked || op_.keeps_colour() ? Shape::reduced_pictures : Shape::warm_started;
}

bool PlanBook::cleans_first() const {
  return kind_ == ProblemKind::reduce && solver_ == SolverKind::hqs && mask_ == MaskSource::none && op_.keeps_colour();
}

// With filtered pictures the steps of a frame with a past are made in two runs: alone, before its past is asked, and along. Where H
// loses resolution a good estimate from the frame alone is worth more than a second look at what the filter makes of it, and the birth
// of the filter takes that estimate for the answer: all steps of a frame without a past are made there.
void PlanBook::share_steps(int most_calls, Plan& plan) const noexcept {
  const int steps = plan.cold.steps;
  plan.along = plan.cold;
  const bool lossy = plan.shape == Shape::reduced_pictures || plan.shape == Shape::cleaned_pictures;
  Pass& alone = lossy ? plan.warm : plan.cold;
  alone.steps = lossy ? std::max(1, steps - 1) : 1;
  plan.along.steps = std::max(most_calls == 1 ? 0 : 1, steps - alone.steps);
  if (lossy) plan.along.start_level = plan.along.end_level = std::min(plan.warm.end_level, plan.along.start_level);
  if (plan.shape == Shape::holed_pictures) plan.along.start_level = 2 * plan.along.end_level;
  // More than one look at a noisy picture begins again from the measurement.
  plan.afresh = plan.along;
  if (plan.shape == Shape::noisy_pictures) plan.afresh.steps = steps > 1 && most_calls <= 0 ? steps : 0;
}

Plan PlanBook::at_intervals(double sigma_y, int most_calls) const noexcept {
  const auto kind = says_intervals(kind_) ? kind_ : ProblemKind::coded;
  Plan plan;
  plan.shape = temporal_ == Temporal::none ? Shape::coded : Shape::coded_pictures;
  int steps = interval_steps(preset_, kind);
  // What a linear operator has taken away before is most of the error.
  Pass least{0};
  if (op_.stages.size() > 1) {
    const auto through = op_.factor() > 1 ? ProblemKind::reduce : ProblemKind::blur;
    least = preset_passes({preset_, through, solver_, sigma_y, op_.factor(), user_.steps}).cold;
    steps = std::max(steps, least.steps);
  }
  if (user_.steps > 0) steps = user_.steps;
  if (most_calls > 0) steps = std::min(steps, most_calls);
  auto pass = interval_pass(kind, steps, sigma_y);
  pass.start_level = std::max(pass.start_level, least.start_level);
  if (steps == 1) pass.end_level = pass.start_level;
  plan.cold = with_user_values(pass);
  plan.cold.steps = steps;
  plan.along = plan.cold;
  plan.along.steps = 1;
  plan.along.start_level = plan.along.end_level;
  --plan.cold.steps;
  plan.warm = plan.cold;
  return plan;
}

Plan PlanBook::at(double sigma_y, int most_calls, Errors errors) const noexcept {
  if (errors == Errors::intervals && !draws_a_sample(solver_)) return at_intervals(sigma_y, most_calls);
  const bool cleans = errors == Errors::codec && cleans_first();
  Plan plan;
  plan.shape = cleans ? with_cleaning(shape_at(level_to_core(1))) : shape_at(sigma_y);
  // What cleaning leaves is little noise: where many frames are weighed the levels need not stay above it. A start at the last solution alone
  // would gather it.
  const bool is_clean = plan.shape == Shape::cleaned_pictures;
  const auto passes = preset_passes(
      {preset_, kind_, solver_, is_clean ? std::min(sigma_y, level_to_core(1)) : sigma_y, op_.factor(), user_.steps});
  plan.cold = with_user_values(passes.cold);
  plan.warm = with_user_values(passes.warm);
  if (most_calls > 0)
    for (Pass* pass : {&plan.cold, &plan.warm}) pass->steps = std::min(pass->steps, most_calls);
  if (plan.shape == Shape::noisy_pictures || plan.shape == Shape::holed_pictures ||
      plan.shape == Shape::reduced_pictures || plan.shape == Shape::cleaned_pictures)
    share_steps(most_calls, plan);
  return plan;
}

}  // namespace reddiff
