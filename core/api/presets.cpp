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

struct LevelRange {
  double start;  // about the error of the start of the mean
  double end;
};

LevelRange level_range(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::fill:
      return {0.1, 0.02};
    case ProblemKind::blur:
      return {0.4, 0.05};
    default:
      return {0.3, 0.04};
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
  config.data_weight = kind == ProblemKind::blur ? 3 : 1;
  config.start_level = std::max(range.start, noise);
  config.end_level = range.end;
  return config;
}

}  // namespace

PresetSolver preset_solver(Preset preset, ProblemKind kind, double noise) {
  if (preset == Preset::paper) return {paper(kind), paper(kind)};
  PresetSolver solver{fixed_point(preset, kind, noise), fixed_point(preset, kind, noise)};
  if (kind != ProblemKind::denoise) solver.warm.start_level = std::max(0.1, noise);
  return solver;
}

}  // namespace reddiff
