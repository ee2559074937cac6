// SPDX-License-Identifier: LGPL-2.1-or-later
//
// DiffPIR, denoising diffusion for plug-and-play restoration (arXiv 2305.08995): half-quadratic splitting (hqs.h) whose mean is a sample,
// re-noised to the next level. With the exact data step of hqs on the prior's answer:
//
//   x0 = argmin_x  |H x - y|^2_w / sigma_y^2 + lambda |x - D(u, s)|^2 / s^2,   n^ = (u - x0)/s
//   u' = x0 + s' (sqrt(1 - zeta) n^ + sqrt(zeta) n),   n fresh
//
// zeta = 0 adds no noise. The result is the last x0.
#pragma once

#include "core/solvers/data_step.h"
#include "core/solvers/solver.h"

namespace reddiff {

class DiffPir final : public Solver {
 public:
  DiffPir(const DiffPirOptions& options, std::uint64_t seed)
      : step_{options.weighting, options.prior_weight, options.data_weight}, zeta_(options.zeta), seed_(seed) {}
  Needs needs() const override { return {.linear = true, .proximal = true, .or_intervals = true}; }
  Solution solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                 Trace& trace) const override;

 private:
  DataStep step_;
  double zeta_;
  std::uint64_t seed_;
};

}  // namespace reddiff
