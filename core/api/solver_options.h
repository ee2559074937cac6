// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a solver runs with, one struct for each of core/solvers; nothing is left open here. Weights and levels are in core units
// ([-1,1] pictures). Defaults are the published ones where the literature has any; presets.cpp says what a preset takes instead.
#pragma once

#include <optional>
#include <variant>

#include "core/api/names.h"

namespace reddiff {

// What the loop gives back: the mean after its last step, or the one that the last step saw, as the published code does.
enum class Returned { after_last_step, before_last_step };

// RED-Diff as published, core/solvers/red_diff.h.
struct RedDiffOptions {
  Optimizer optimizer = Optimizer::adam;  // any but `preset` and `fixed_point`
  Weighting weighting = Weighting::linear;
  double prior_weight = 0.25;  // lambda > 0
  double data_weight = 1.0;    // v >= 0
  double learning_rate = 0.1;  // > 0
  // eps_G >= 0, added to the root of the second moment of the per-image gradient; empty: 1e-8 times the values of an image, which is what
  // the gradient of a mean loss makes of 1e-8 (Note [Effective epsilon] in core/solvers/optimizer.h).
  std::optional<double> optimizer_epsilon = 0.1;
  Returned returned = Returned::after_last_step;
  bool operator==(const RedDiffOptions&) const = default;
};

// Half-quadratic splitting, core/solvers/hqs.h.
struct HqsOptions {
  Weighting weighting = Weighting::linear;
  double prior_weight = 1;  // lambda > 0
  double data_weight = 1;   // v >= 0; 0: the data is not looked at
  bool operator==(const HqsOptions&) const = default;
};

// The denoiser over the symmetries of the square, core/solvers/ensemble.h.
struct EnsembleOptions {
  Weighting weighting = Weighting::linear;
  double prior_weight = 1;
  double data_weight = 0;  // the measurement enters as what is denoised; a data term on top counts it twice
  bool operator==(const EnsembleOptions&) const = default;
};

// Diffusion posterior sampling, core/solvers/guided.h.
struct DpsOptions {
  double zeta =
      20;  // >= 0; the published size of the step along the gradient, for pictures of 256x256; by search, at 50 steps
  bool operator==(const DpsOptions&) const = default;
};

// Pseudo-inverse guidance, core/solvers/guided.h.
struct PiGdmOptions {
  double eta = 1;  // [0,1]: how much of the noise of a step is fresh
  bool operator==(const PiGdmOptions&) const = default;
};

// DDRM, core/solvers/spectral.h.
struct DdrmOptions {
  double eta = 1;  // [0,1], as above; .85 as published
  bool operator==(const DdrmOptions&) const = default;
};

// DiffPIR, core/solvers/diffpir.h.
struct DiffPirOptions {
  Weighting weighting = Weighting::linear;
  double prior_weight = 1;  // lambda > 0
  double data_weight = 1;   // v >= 0
  double zeta = 1;          // [0,1]: how much of the noise of a step is fresh
  bool operator==(const DiffPirOptions&) const = default;
};

using SolverOptions =
    std::variant<RedDiffOptions, HqsOptions, EnsembleOptions, DpsOptions, PiGdmOptions, DdrmOptions, DiffPirOptions>;

// Whether it draws a sample, whose noise falls from level to level.
constexpr bool draws_a_sample(SolverKind solver) {
  return solver == SolverKind::dps || solver == SolverKind::pigdm || solver == SolverKind::ddrm ||
         solver == SolverKind::diffpir;
}

// One run of a solver: which noise levels it visits. start_level 0: the whole schedule of the paper; end_level 0: down to its lowest.
struct Pass {
  int steps = 10;  // calls of the prior; 0: the run does not take place
  double start_level = 0;
  double end_level = 0;
  Order order = Order::descending;
  Spacing spacing = Spacing::uniform;
};

}  // namespace reddiff
