// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/hqs.h"

#include <ATen/ATen.h>

#include "core/api/abort.h"
#include "core/solvers/levels.h"
#include "core/solvers/schedule.h"

namespace reddiff {

Solution Hqs::solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                    Trace& trace) const {
  Solution solution{start.mu.clone(), make_levels(pass, prior.sigma_min(), prior.sigma_max(), seed_)};
  for (int step = 0; step < static_cast<int>(solution.levels.size()); ++step) {
    throw_if_aborted();
    const Level level = make_level(solution.levels, step, start);
    const auto denoised = trace.in(Trace::Stage::prior, [&] {
      const auto answer = prior.denoise(solution.mu, level.sigma);
      return step == 0 && start.measured ? problem.likelihood->debias(answer) : answer;
    });
    solution.mu.copy_(step_(problem, denoised, level.nominal, trace));
  }
  return solution;
}

SolverPtr make_hqs(const SolverOptions& options, std::uint64_t seed) {
  return std::make_unique<Hqs>(std::get<HqsOptions>(options), seed);
}

}  // namespace reddiff
