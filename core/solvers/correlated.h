// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Noise alone, of which a spectrum is known (core/frame/noise_spectrum.h): half-quadratic splitting with the data step exact for each
// frequency. The first step is D(y, s) of the prior's kind for such noise. In every other the prior for white noise sees what the data step
// leaves of it, which is weaker and nearly white, turned and mirrored (symmetry.h):
//
//   u <- argmin |u - y|^2_{C^-1} + |u - mu|^2 / a_k^2,   mu <- D_k(u, b_k)
//
// with a and b falling in proportion to the level of the noise. At the end what is finer than the noise comes back from the measurement:
//
//   mu <- argmin |u - y|^2_{C^-1} + |u - mu|^2 / c^2
//
// Where the start has a level per pixel, as what a filter has made of many frames, C is in proportion to its square. Deterministic.
#pragma once

#include "core/solvers/solver.h"

namespace reddiff {

class Correlated final : public Solver {
 public:
  explicit Correlated(std::uint64_t seed) : seed_(seed) {}
  Needs needs() const override { return {.linear = true, .proximal = true, .every_pixel = true}; }
  // The problem's likelihood has a spectrum; prior: for white noise.
  Solution solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                 Trace& trace) const override;

 private:
  std::uint64_t seed_;  // of the order of levels, where that is random
};

}  // namespace reddiff
