// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Half-quadratic splitting: the stationary point of RED-Diff's own objective (red_diff.h), the denoised picture held constant and the
// data step solved exactly, at falling noise levels. For every level s, one call of the prior D:
//
//   mu <- argmin_x  v |H x - y|^2_w / sigma_y^2  +  lambda |x - D(mu, s)|^2 / s^2        (data_step.h)
//
// No noise is added: at few steps it costs more than it explores (super-resolution x2, eight steps: -.3 dB). Deterministic.
#pragma once

#include "core/solvers/data_step.h"
#include "core/solvers/solver.h"

namespace reddiff {

class Hqs final : public Solver {
 public:
  Hqs(const HqsOptions& options, std::uint64_t seed)
      : step_{options.weighting, options.prior_weight, options.data_weight}, seed_(seed) {}
  Needs needs() const override { return {.linear = true, .proximal = true, .or_intervals = true}; }
  Solution solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                 Trace& trace) const override;

 private:
  DataStep step_;
  std::uint64_t seed_;  // of the order of levels, where that is random
};

}  // namespace reddiff
