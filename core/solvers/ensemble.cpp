// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/ensemble.h"

#include <ATen/ATen.h>

#include "core/api/abort.h"
#include "core/solvers/levels.h"
#include "core/solvers/schedule.h"
#include "core/solvers/symmetry.h"

namespace reddiff {

Solution Ensemble::solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                         Trace& trace) const {
  Solution solution{start.mu.clone(), make_levels(pass, prior.sigma_min(), prior.sigma_max(), seed_)};
  for (int step = 0; step < static_cast<int>(solution.levels.size()); ++step) {
    throw_if_aborted();
    const Level level = make_level(solution.levels, step, start);
    const auto u = step == 0 ? start.mu : problem.likelihood->expected_y(start.mu, [&] { return solution.mu; });
    const auto denoised = trace.in(Trace::Stage::prior, [&] {
      const auto answer = denoise_in_symmetry(prior, u, level.sigma, level.step);
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
