// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Noise alone: H is the identity, every pixel was measured, and the measurement's own noise is the noise that the prior takes away. The
// first step is D(y, s); step k shows the prior the same picture turned and mirrored in the k-th of eight ways (symmetry.h):
//
//   mu <- mu + (D_k(u, s) - mu) / k,   u = the start of the mean, from the second step on what it is expected to have been (likelihood.h)
//
// This is half-quadratic splitting (hqs.h) where its data step has nothing to add: u already is the measurement. Averaging over
// symmetries beats every schedule of falling levels that was tried. Deterministic.
#pragma once

#include "core/solvers/correlated.h"
#include "core/solvers/data_step.h"
#include "core/solvers/solver.h"

namespace reddiff {

class Ensemble final : public Solver {
 public:
  Ensemble(const EnsembleOptions& options, std::uint64_t seed)
      : step_{options.weighting, options.prior_weight, options.data_weight}, seed_(seed), correlated_(seed) {}
  Needs needs() const override { return {.linear = true, .proximal = true, .every_pixel = true}; }
  Solution solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                 Trace& trace) const override;
  // A data term that was asked for is one of white noise.
  const Solver* for_spectrum() const override { return step_.data_weight == 0 ? &correlated_ : nullptr; }

 private:
  DataStep step_;
  std::uint64_t seed_;  // of the order of levels, where that is random
  Correlated correlated_;
};

}  // namespace reddiff
