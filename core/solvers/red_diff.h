// SPDX-License-Identifier: LGPL-2.1-or-later
//
// RED-Diff (arXiv 2305.04391, section 4): restoring a picture x from y = H(x) + sigma_y n becomes stochastic optimisation of the mean
// mu of a Gaussian, with a denoiser at many noise levels as regulariser. For every level s, one call of the prior D:
//
//   u = mu + s eps,  eps ~ N(0, I), fresh at every step
//   G = lambda g(s) (mu - D(u, s)) / s  +  v (N/m) J_H(mu)^T W (H(mu) - y)
//   mu <- optimiser(mu, G)
//
// (mu - D(u,s))/s is the paper's eps_hat - eps. N = values and m = measurements per image, W = 0/1 weights of measurement rows.
// G belongs to one image: nothing depends on how many images are in the batch. The prior's gradient is not needed: eps_hat counts as a
// constant.
#pragma once

#include "core/solvers/solver.h"

namespace reddiff {

class RedDiff final : public Solver {
 public:
  RedDiff(const RedDiffOptions& options, std::uint64_t seed) : options_(options), seed_(seed) {}
  Needs needs() const override { return {}; }
  Solution solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                 Trace& trace) const override;

 private:
  at::Tensor gradient(const Problem& problem, const at::Tensor& mu, const at::Tensor& denoised, double level) const;

  RedDiffOptions options_;
  std::uint64_t seed_;
};

}  // namespace reddiff
