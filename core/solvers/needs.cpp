// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string>

#include "core/api/error.h"
#include "core/operators/spectrum.h"
#include "core/solvers/solver.h"

namespace reddiff {

void check_needs(const Needs& needs, SolverKind solver, const Operator& op, const Denoiser& prior, bool masked) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::settings, "solver=" + std::string(nick(solver)) + " needs " + what);
  };
  const bool in_intervals = needs.or_intervals && op.intervals();
  if (needs.linear && !op.linear() && !in_intervals) refuse("a linear operator; set solver=red-diff for this one");
  if (needs.proximal && !op.proximal() && !in_intervals)
    refuse("an operator with a proximal step; set solver=red-diff for this one");
  if (needs.spectrum && !op.spectrum())
    refuse("an operator whose singular values are known; leave solver at preset for this one");
  if (needs.spectrum && masked && !op.spectrum()->of_pixels())
    refuse(
        "every pixel measured where the operator is not the identity; leave solver at preset, or take the mask away");
  if (needs.prior_gradient && !prior.differentiable())
    refuse("a prior with a gradient, and this one has none; leave solver at preset, or choose another prior");
  if (needs.every_pixel && masked) refuse("every pixel measured; leave solver at preset, or take the mask away");
}

}  // namespace reddiff
