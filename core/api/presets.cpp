// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/presets.h"

#include <algorithm>

#include "core/api/units.h"

namespace reddiff {
namespace {

int steps_of(Preset preset, ProblemKind kind) {
  const bool denoise = kind == ProblemKind::denoise;
  switch (preset) {
    case Preset::live:
      return denoise ? 1 : 2;
    case Preset::archive:
      return denoise ? 8 : 16;
    default:
      return denoise ? 1 : 4;
  }
}

// Noise levels of the first and the last step. A start is about as wrong as its level says; searched on pictures and frames that no
// table of the project reports (core/solvers/DECISIONS.md).
struct LevelRange {
  double start, end;
};

constexpr double much_noise = level_to_core(8);

// Of a frame's own measurement. Few steps do not come down far: what is left of the noise they would otherwise take for detail costs more
// than the detail.
LevelRange cold_range(const PassQuery& query, int steps) {
  const bool few = steps <= 3, many = steps >= 8;
  switch (query.kind) {
    case ProblemKind::fill:
      return {0.1, 0.02};
    case ProblemKind::blur:
      if (few) return {0.3, 0.1};
      if (query.sigma_y > much_noise) return {many ? 1.0 : 0.5, 0.05};
      return {many ? 0.5 : 0.3, 0.05};
    default:
      if (many && query.sigma_y > much_noise) return {1.0, 0.03};
      return {query.factor > 2 ? 0.5 : 0.3, few ? 0.1 : 0.03};
  }
}

// From the moved previous solution.
LevelRange warm_range(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::fill:
      return {0.03, 0.02};
    case ProblemKind::blur:
      return {0.2, 0.05};
    default:
      return {0.04, 0.03};
  }
}

PresetPasses passes_at_falling_levels(const PassQuery& query) {
  PresetPasses passes;
  passes.cold.steps = steps_of(query.preset, query.kind);
  if (query.kind == ProblemKind::denoise) {
    passes.cold.start_level = passes.cold.end_level = query.sigma_y;
    passes.warm = passes.cold;
    return passes;
  }
  const auto cold = cold_range(query, query.steps > 0 ? query.steps : passes.cold.steps), warm = warm_range(query.kind);
  passes.cold.start_level = std::max(cold.start, query.sigma_y);
  passes.cold.end_level = cold.end;
  passes.warm = passes.cold;
  // Steps at low levels would leave the noise of a small measurement in the picture.
  if (query.kind == ProblemKind::reduce && is_noisy(query.sigma_y)) return passes;
  passes.warm.end_level = warm.end;
  passes.warm.start_level = std::max(warm.start, query.sigma_y);
  passes.warm.steps = (passes.cold.steps + 1) / 2;  // from a good start half the steps go as far
  return passes;
}

// Samplers: how many steps, and where they start (pipelines/paper_settings.json). Where a gradient leads, all levels are of use.
PresetPasses passes_of_samples(const PassQuery& query) {
  int steps = query.preset == Preset::live ? 10 : query.preset == Preset::quality ? 20 : 50;
  if (query.solver == SolverKind::dps) steps *= 5;
  PresetPasses passes;
  passes.cold.steps = steps;
  const bool is_guided = query.solver == SolverKind::dps || query.solver == SolverKind::pigdm;
  const double start = is_guided ? 5 : says_intervals(query.kind) ? 0.5 : 1;
  passes.cold.start_level = std::max(start, query.sigma_y);
  passes.warm = passes.cold;
  passes.warm.steps = (steps + 1) / 2;
  passes.warm.start_level = std::max(0.3, query.sigma_y);
  return passes;
}

SolverOptions options_of_samples(ProblemKind kind, SolverKind solver) {
  switch (solver) {
    case SolverKind::dps:
      return DpsOptions{};
    case SolverKind::pigdm:
      return PiGdmOptions{};
    case SolverKind::ddrm:
      return DdrmOptions{kind == ProblemKind::blur ? 0.85 : 1.0};
    default:
      return DiffPirOptions{};
  }
}

// By search. Levels in units of the error that the intervals leave.
struct IntervalSettings {
  int live, quality, archive;  // steps
  double start, end, single;   // levels of the first and the last step, and of one alone
};

const IntervalSettings& interval_settings(ProblemKind kind) {
  static constexpr IntervalSettings clipped{2, 4, 8, 3.5, 0.5, 2.6}, quantised{2, 3, 4, 1.4, 0.4, 0.9},
      coded{1, 2, 2, 2.5, 0.8, 1.8};
  if (kind == ProblemKind::clipped) return clipped;
  return kind == ProblemKind::quantised ? quantised : coded;
}

}  // namespace

SolverKind preset_solver(Preset preset, ProblemKind kind) {
  if (preset == Preset::paper) return SolverKind::red_diff;
  return kind == ProblemKind::denoise ? SolverKind::ensemble : SolverKind::hqs;
}

SolverOptions preset_options(Preset preset, ProblemKind kind, SolverKind solver) {
  if (solver == SolverKind::hqs) return HqsOptions{};
  if (solver == SolverKind::ensemble) return EnsembleOptions{};
  if (draws_a_sample(solver)) return options_of_samples(kind, solver);
  RedDiffOptions options;
  if (preset == Preset::paper) {  // the published settings for linear problems
    options.learning_rate = kind == ProblemKind::reduce ? 0.1 : 0.5;
    options.optimizer_epsilon.reset();
    options.returned = Returned::before_last_step;
  }
  // Straight-through, published rates end below a measurement that was rounded: by search (core/solvers/DECISIONS.md).
  if (kind == ProblemKind::clipped && preset != Preset::paper) options.prior_weight = 4;
  if (kind == ProblemKind::quantised) options.learning_rate = 0.02;
  if (kind == ProblemKind::coded) options.learning_rate = 0.1;
  return options;
}

int interval_steps(Preset preset, ProblemKind kind) noexcept {
  const IntervalSettings& settings = interval_settings(kind);
  if (preset == Preset::live) return settings.live;
  return preset == Preset::archive ? settings.archive : settings.quality;
}

Pass interval_pass(ProblemKind kind, int steps, double sigma_y) noexcept {
  const IntervalSettings& settings = interval_settings(kind);
  if (steps == 1) return {1, settings.single * sigma_y, settings.single * sigma_y};
  return {steps, settings.start * sigma_y, settings.end * sigma_y};
}

PresetPasses preset_passes(const PassQuery& query) noexcept {
  if (query.solver == SolverKind::red_diff && query.preset == Preset::paper) {
    Pass whole;
    whole.steps = 100;
    return {whole, whole};
  }
  if (draws_a_sample(query.solver)) return passes_of_samples(query);
  auto passes = passes_at_falling_levels(query);
  if (query.solver == SolverKind::red_diff) {
    constexpr int enough = 50;  // a step of an optimiser moves the mean a little only
    for (Pass* pass : {&passes.cold, &passes.warm}) {
      pass->steps = std::max(pass->steps, enough);
      pass->end_level = 0;
    }
  }
  return passes;
}

}  // namespace reddiff
