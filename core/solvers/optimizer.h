// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a gradient moves the mean. RED-Diff turns restoration into stochastic optimisation; which optimiser runs it is a free
// choice. An optimiser lives for one frame (its state would otherwise depend on frames that a live pipeline may drop).
//
// Note [Effective epsilon]: Adam is free of the gradient's scale but for the epsilon it adds to the root of the second
// moment. The published code feeds the gradient of a loss averaged over a batch of n pictures of N values, so its 1e-8 acts
// like eps_G = 1e-8 n N on the per-image gradient G used here, and its result depends on the batch size. Here epsilon is on G,
// explicit, and the same whatever is batched; left empty it is 1e-8 N, the published value.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <span>

#include "core/api/solver_options.h"

namespace reddiff {

class MeanOptimizer {
 public:
  virtual ~MeanOptimizer() = default;
  // Moves mu ([N,3,H,W]) in place along G of red_diff.h, of the same shape. Called once per step, in order.
  virtual void step(at::Tensor& mu, const at::Tensor& gradient) = 0;
};

std::unique_ptr<MeanOptimizer> make_adam(const RedDiffOptions&);
std::unique_ptr<MeanOptimizer> make_adamw(const RedDiffOptions&);
std::unique_ptr<MeanOptimizer> make_sgd(const RedDiffOptions&);
std::unique_ptr<MeanOptimizer> make_rmsprop(const RedDiffOptions&);
std::unique_ptr<MeanOptimizer> make_lbfgs(const RedDiffOptions&);

// Every one of core/api/names.h but `preset` and `fixed-point`, which is no optimiser. Tests loop over the table.
struct OptimizerEntry {
  Optimizer value;
  std::unique_ptr<MeanOptimizer> (*make)(const RedDiffOptions&);
};
std::span<const OptimizerEntry> optimizer_registry();

// The one that the options name, with an epsilon.
std::unique_ptr<MeanOptimizer> make_optimizer(const RedDiffOptions& options);

}  // namespace reddiff
