// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a gradient moves the mean. RED-Diff turns restoration into stochastic optimisation; which optimiser runs it is a free
// choice. An optimiser lives for one frame (its state would otherwise depend on frames that a live pipeline may drop).
//
// Note [Effective epsilon]: Adam is free of the gradient's scale but for the epsilon it adds to the root of the second
// moment. The published code feeds the gradient of a loss averaged over a batch of n pictures of N values, so its 1e-8 acts
// like eps_G = 1e-8 n N on the per-image gradient G used here, and its result depends on the batch size. Here epsilon is on G,
// explicit, and the same whatever is batched.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "core/api/config.h"

namespace reddiff {

// The gradient, and the model it is the gradient of.
struct Gradient {
  at::Tensor g;  // G of red_diff.h, [N,3,H,W]
  // The mean that makes G zero with the denoised picture held constant: the solution of a regularised least-squares problem.
  std::function<at::Tensor()> minimizer;
};

class MeanOptimizer {
 public:
  virtual ~MeanOptimizer() = default;
  // Moves mu ([N,3,H,W]) in place. Called once per step, in order.
  virtual void step(at::Tensor& mu, const Gradient& gradient) = 0;
};

std::unique_ptr<MeanOptimizer> make_adam(const SolverConfig&);
std::unique_ptr<MeanOptimizer> make_adamw(const SolverConfig&);
std::unique_ptr<MeanOptimizer> make_sgd(const SolverConfig&);
std::unique_ptr<MeanOptimizer> make_rmsprop(const SolverConfig&);
std::unique_ptr<MeanOptimizer> make_lbfgs(const SolverConfig&);
std::unique_ptr<MeanOptimizer> make_fixed_point(const SolverConfig&);

}  // namespace reddiff
