// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/red_diff.h"

#include <ATen/ATen.h>

#include "core/api/abort.h"
#include "core/solvers/levels.h"
#include "core/solvers/optimizer.h"
#include "core/solvers/rng.h"
#include "core/solvers/schedule.h"

namespace reddiff {
namespace {

// See Note [Effective epsilon].
RedDiffOptions with_epsilon(RedDiffOptions options, const at::Tensor& mu) {
  if (!options.optimizer_epsilon) options.optimizer_epsilon = 1e-8 * static_cast<double>(mu.numel() / mu.size(0));
  return options;
}

}  // namespace

at::Tensor RedDiff::gradient(const Problem& problem, const at::Tensor& mu, const at::Tensor& denoised,
                             double level) const {
  const double per_image = static_cast<double>(mu.numel()) / static_cast<double>(problem.y.numel());  // N/m
  // With the schedule's level for every pixel; for the linear weight it is lambda whatever the level.
  auto g = (mu - denoised).mul_(options_.prior_weight * level_weight(options_.weighting, level) / level);
  if (options_.data_weight != 0)
    g.add_(problem.op->vjp(mu, problem.residual(problem.op->forward(mu))), options_.data_weight * per_image);
  return g;
}

Solution RedDiff::solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                        Trace& trace) const {
  // Of a single step the mean before it is the start, whatever the call has said.
  const bool before = options_.returned == Returned::before_last_step && pass.steps > 1;
  const auto optimizer = make_optimizer(with_epsilon(options_, start.mu));
  Solution solution{{}, make_levels(pass, prior.sigma_min(), prior.sigma_max(), seed_)};
  at::Tensor mu = start.mu.clone();
  for (int step = 0; step < static_cast<int>(solution.levels.size()); ++step) {
    throw_if_aborted();
    const Level level = make_level(solution.levels, step, start);
    const auto u = mu + level.sigma * normal_field(seed_, step, mu.sizes(), mu.device());
    const auto denoised = trace.in(Trace::Stage::prior, [&] {
      const auto answer = prior.denoise(u, level.sigma);
      return step == 0 && start.measured ? problem.likelihood->debias(answer) : answer;
    });
    const auto g = trace.in(Trace::Stage::op, [&] { return gradient(problem, mu, denoised, level.nominal); });
    if (before) solution.mu = mu.clone();
    optimizer->step(mu, g);
  }
  if (!before) solution.mu = mu;
  return solution;
}

SolverPtr make_red_diff(const SolverOptions& options, std::uint64_t seed) {
  return std::make_unique<RedDiff>(std::get<RedDiffOptions>(options), seed);
}

}  // namespace reddiff
