// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/correlated.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/api/abort.h"
#include "core/solvers/levels.h"
#include "core/solvers/schedule.h"
#include "core/solvers/symmetry.h"

namespace reddiff {
namespace {

// Deviations of what is wrong with mu, over that of the noise: at the first data step, falling towards the last, and at the end.
constexpr double first_share = 1.4, last_share = 0.7, end_share = 0.25;
// Levels of what the data step leaves, over the first step's, which is told more than the noise's deviation.
constexpr double first_left = 0.7, last_left = 0.28;

double between(double first, double last, double way) { return first * std::pow(last / first, way); }

}  // namespace

Solution Correlated::solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                           Trace& trace) const {
  const NoiseSpectrum& spectrum = *problem.likelihood->spectrum();
  const Denoiser* knows = prior.for_kind(problem.kind);
  Solution solution{start.mu.clone(), make_levels(pass, prior.sigma_min(), prior.sigma_max(), seed_)};
  const auto steps = static_cast<int>(solution.levels.size());
  at::Tensor y = start.mu;
  const auto data_step = [&](double share) {
    return trace.in(Trace::Stage::op, [&] { return spectrum.data_step(y, solution.mu, share); });
  };
  for (int step = 0; step < steps; ++step) {
    throw_if_aborted();
    const Level level = make_level(solution.levels, step, start);
    if (step == 0) {
      const auto answer =
          trace.in(Trace::Stage::prior, [&] { return (knows ? *knows : prior).denoise(start.mu, level.sigma); });
      solution.mu.copy_(problem.likelihood->debias(answer));
      y = problem.likelihood->expected_y(start.mu, [&] { return solution.mu; });
      continue;
    }
    const double way = static_cast<double>(step) / steps;
    const auto u = data_step(between(first_share, last_share, way));
    const auto left = level.sigma * between(first_left, last_left, way);
    solution.mu.copy_(trace.in(Trace::Stage::prior, [&] { return denoise_in_symmetry(prior, u, left, step); }));
  }
  solution.mu.copy_(data_step(end_share));
  return solution;
}

}  // namespace reddiff
