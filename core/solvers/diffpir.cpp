// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/diffpir.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/api/abort.h"
#include "core/solvers/sampling.h"
#include "core/solvers/schedule.h"

namespace reddiff {

Solution DiffPir::solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                        Trace& trace) const {
  const Sampling sampling(make_levels(pass, prior.sigma_min(), prior.sigma_max(), seed_), seed_);
  auto u = sampling.first(start.mu);
  for (int step = 0; step < sampling.steps(); ++step) {
    throw_if_aborted();
    const double s = sampling.level(step), next = sampling.next_level(step);
    const auto denoised = trace.in(Trace::Stage::prior, [&] { return prior.denoise(u, sampling.sigma(step, u)); });
    const auto x0 = step_(problem, denoised, s, trace);
    if (next == 0)
      u = x0;
    else
      u = x0 + (u - x0) * (next * std::sqrt(1 - zeta_) / s) + (next * std::sqrt(zeta_)) * sampling.fresh(step, u);
  }
  return {u, sampling.levels()};
}

SolverPtr make_diffpir(const SolverOptions& options, std::uint64_t seed) {
  return std::make_unique<DiffPir>(std::get<DiffPirOptions>(options), seed);
}

}  // namespace reddiff
