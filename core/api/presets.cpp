// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/presets.h"

#include <algorithm>

namespace reddiff {
namespace {

// The published settings for linear problems (100 steps; learning rate .5, or .1 for super-resolution).
SolverConfig paper(ProblemKind kind) {
  SolverConfig config;
  config.optimizer = Optimizer::adam;
  config.prior_weight = 0.25;
  config.data_weight = 1;
  config.learning_rate = kind == ProblemKind::reduce ? 0.1 : 0.5;
  config.epsilon_of_mean_loss = true;
  config.steps = 100;
  config.return_before_step = true;
  return config;
}

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

// The regularised least-squares iteration: no fresh noise, data weighed by the noise level.
SolverConfig fixed_point(Preset preset, ProblemKind kind, double noise) {
  SolverConfig config;
  config.optimizer = Optimizer::fixed_point;
  config.prior_weight = 1;
  config.balance = Balance::noise;
  config.steps = steps_of(preset, kind);
  if (kind == ProblemKind::denoise) {
    config.renoise = Renoise::measurement;
    config.data_weight = 0;  // the measurement enters as what the prior denoises; a data term would count it twice
    config.average = true;
    config.symmetries = true;
    config.start_level = config.end_level = noise;
    return config;
  }
  config.renoise = Renoise::none;
  const LevelRange range = level_range(kind);
  config.start_level = std::max(range.cold_start, noise);
  config.end_level = range.end;
  return config;
}

}  // namespace

PresetSolver preset_solver(Preset preset, ProblemKind kind, double noise) {
  if (preset == Preset::paper) return {paper(kind), paper(kind)};
  PresetSolver solver{fixed_point(preset, kind, noise), fixed_point(preset, kind, noise)};
  if (kind != ProblemKind::denoise) {
    solver.warm.start_level = std::max(level_range(kind).warm_start, noise);
    solver.warm.steps = (solver.cold.steps + 1) / 2;  // from a good start half the steps go as far
    // But steps at low levels would leave the noise of a small measurement in the picture.
    if (kind == ProblemKind::reduce && is_noisy(noise)) solver.warm = solver.cold;
  }
  return solver;
}

}  // namespace reddiff
