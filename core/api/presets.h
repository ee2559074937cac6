// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The presets: what a solve runs with where the user left a value open. A preset names a trade of time against quality; which
// numbers serve it depends on the kind of problem.
#pragma once

#include "core/api/config.h"

namespace reddiff {

struct PresetSolver {
  SolverConfig cold;
  SolverConfig warm;  // the mean starts at the moved previous solution: a lower start level
};

// `noise`: sv in core units; `preset` is not `automatic`.
PresetSolver preset_solver(Preset preset, ProblemKind kind, double noise);

}  // namespace reddiff
