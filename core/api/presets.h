// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The presets: what a solve runs with where the user left a value open. A preset names a trade of time against quality; which
// numbers serve it depends on the kind of problem.
#pragma once

#include "core/api/names.h"
#include "core/api/solver_options.h"

namespace reddiff {

enum class ProblemKind {
  denoise,  // identity, every pixel measured: the measurement is a noisy picture
  fill,     // missing pixels
  reduce,   // the operator loses resolution
  blur,     // same size, other than the identity
  // The measurement says in which intervals (operator_spec.h, IntervalKind) values lie, of the picture or of what a linear operator makes of it.
  clipped,
  quantised,
  coded,
};

constexpr bool says_intervals(ProblemKind kind) { return kind >= ProblemKind::clipped; }

struct PresetPasses {
  Pass cold;
  Pass warm;  // the mean starts at the moved previous solution: a lower start level
};

// Below, `preset` is not `automatic` and `solver` not `preset`.

// The solver that a preset takes for a problem.
SolverKind preset_solver(Preset preset, ProblemKind kind);

SolverOptions preset_options(Preset preset, ProblemKind kind, SolverKind solver);

// Where the measurement is intervals (core/frame/likelihood.h) that errors of sigma_y have left, core units: how many steps, and the
// levels of so many. kind: says_intervals().
int interval_steps(Preset preset, ProblemKind kind) noexcept;
Pass interval_pass(ProblemKind kind, int steps, double sigma_y) noexcept;

// What the levels and steps of a pass hang on.
struct PassQuery {
  Preset preset;
  ProblemKind kind;
  SolverKind solver;
  double sigma_y;  // core units
  int factor = 1;  // of the operator
  int steps = 0;   // that the user has asked for; 0: the preset's
};
PresetPasses preset_passes(const PassQuery& query) noexcept;

}  // namespace reddiff
