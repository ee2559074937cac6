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

// Noise levels of the first and the last step. A start is about as wrong as its level says; searched on frames that no
// table of the project reports.
struct LevelRange {
  double cold_start;
  double warm_start;
  double end;
};

LevelRange level_range(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::fill:
      return {0.1, 0.03, 0.02};
    case ProblemKind::blur:
      return {0.3, 0.2, 0.05};
    default:
      return {0.3, 0.04, 0.03};
  }
}

PresetPasses passes_at_falling_levels(Preset preset, ProblemKind kind, double sigma_y) {
  PresetPasses passes;
  passes.cold.steps = steps_of(preset, kind);
  if (kind == ProblemKind::denoise) {
    passes.cold.start_level = passes.cold.end_level = sigma_y;
    passes.warm = passes.cold;
    return passes;
  }
  const LevelRange range = level_range(kind);
  passes.cold.start_level = std::max(range.cold_start, sigma_y);
  passes.cold.end_level = range.end;
  passes.warm = passes.cold;
  // Steps at low levels would leave the noise of a small measurement in the picture.
  if (kind == ProblemKind::reduce && is_noisy(sigma_y)) return passes;
  passes.warm.start_level = std::max(range.warm_start, sigma_y);
  passes.warm.steps = (passes.cold.steps + 1) / 2;  // from a good start half the steps go as far
  return passes;
}

// Samplers: how many steps, and where they start. What is far from the start needs much noise to be found.
PresetPasses passes_of_samples(Preset preset, ProblemKind kind, SolverKind solver, double sigma_y) {
  int steps = preset == Preset::live ? 10 : preset == Preset::quality ? 20 : 50;
  if (solver == SolverKind::dps) steps *= 5;
  PresetPasses passes;
  passes.cold.steps = steps;
  passes.cold.start_level = std::max(kind == ProblemKind::fill ? 5.0 : 2.0, sigma_y);
  passes.warm = passes.cold;
  passes.warm.steps = (steps + 1) / 2;
  passes.warm.start_level = std::max(0.3, sigma_y);
  return passes;
}

SolverOptions options_of_samples(SolverKind solver) {
  switch (solver) {
    case SolverKind::dps:
      return DpsOptions{};
    case SolverKind::pigdm:
      return PiGdmOptions{};
    case SolverKind::ddrm:
      return DdrmOptions{};
    default:
      return DiffPirOptions{};
  }
}

}  // namespace

SolverKind preset_solver(Preset preset, ProblemKind kind) {
  if (preset == Preset::paper) return SolverKind::red_diff;
  return kind == ProblemKind::denoise ? SolverKind::ensemble : SolverKind::hqs;
}

SolverOptions preset_options(Preset preset, ProblemKind kind, SolverKind solver) {
  if (solver == SolverKind::hqs) return HqsOptions{};
  if (solver == SolverKind::ensemble) return EnsembleOptions{};
  if (draws_a_sample(solver)) return options_of_samples(solver);
  RedDiffOptions options;
  if (preset == Preset::paper) {  // the published settings for linear problems
    options.learning_rate = kind == ProblemKind::reduce ? 0.1 : 0.5;
    options.optimizer_epsilon.reset();
    options.returned = Returned::before_last_step;
  }
  return options;
}

int interval_steps(Preset preset) noexcept {
  if (preset == Preset::live) return 1;
  return preset == Preset::archive ? 4 : 2;
}

Pass interval_pass(int steps, double sigma_y) noexcept {
  constexpr double start = 2.5, end = 0.8, single = 1.8;  // by search
  if (steps == 1) return {1, single * sigma_y, single * sigma_y};
  return {steps, start * sigma_y, end * sigma_y};
}

PresetPasses preset_passes(Preset preset, ProblemKind kind, SolverKind solver, double sigma_y) noexcept {
  if (solver == SolverKind::red_diff && preset == Preset::paper) {
    Pass whole;
    whole.steps = 100;
    return {whole, whole};
  }
  if (draws_a_sample(solver)) return passes_of_samples(preset, kind, solver, sigma_y);
  auto passes = passes_at_falling_levels(preset, kind, sigma_y);
  if (solver == SolverKind::red_diff) {
    constexpr int enough = 50;  // a step of an optimiser moves the mean a little only
    for (Pass* pass : {&passes.cold, &passes.warm}) {
      pass->steps = std::max(pass->steps, enough);
      pass->end_level = 0;
    }
  }
  return passes;
}

}  // namespace reddiff
