// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/ensemble.h"

#include <ATen/ATen.h>

#include "core/api/abort.h"
#include "core/solvers/levels.h"
#include "core/solvers/schedule.h"
#include "core/solvers/symmetry.h"

namespace reddiff {
namespace {

// D of the picture as the symmetry of this step shows it, turned back.
at::Tensor denoise(const Denoiser& prior, const at::Tensor& u, const Level& level) {
  const auto sigma = level.sigma.numel() == 1 ? level.sigma : apply_symmetry(level.sigma, level.step).contiguous();
  return undo_symmetry(prior.denoise(apply_symmetry(u, level.step).contiguous(), sigma), level.step).contiguous();
}

}  // namespace

Solution Ensemble::solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                         Trace& trace) const {
  Solution solution{start.mu.clone(), make_levels(pass, prior.sigma_min(), prior.sigma_max(), seed_)};
  for (int step = 0; step < static_cast<int>(solution.levels.size()); ++step) {
    throw_if_aborted();
    const Level level = make_level(solution.levels, step, start);
    const auto u = step == 0 ? start.mu : problem.likelihood->expected_y(start.mu, [&] { return solution.mu; });
    const auto denoised = trace.in(Trace::Stage::prior, [&] {
      const auto answer = denoise(prior, u, level);
      return step == 0 ? problem.likelihood->debias(answer) : answer;
    });
    const auto estimate = step_(problem, denoised, level.nominal, trace);
    if (step == 0)
      solution.mu.copy_(estimate);
    else
      solution.mu.lerp_(estimate, 1.0 / (step + 1));
  }
  return solution;
}

SolverPtr make_ensemble(const SolverOptions& options, std::uint64_t seed) {
  return std::make_unique<Ensemble>(std::get<EnsembleOptions>(options), seed);
}

}  // namespace reddiff
