// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/data_step.h"

#include "core/solvers/schedule.h"

namespace reddiff {

at::Tensor DataStep::operator()(const Problem& problem, const at::Tensor& denoised, double level, Trace& trace) const {
  if (problem.likelihood->has_intervals() && data_weight > 0)
    return trace.in(Trace::Stage::op, [&] { return problem.likelihood->mean_in_intervals(denoised, level); });
  const double sigma_y = problem.sigma_y();
  const double data = data_weight * level * level / (sigma_y * sigma_y);
  if (data == 0) return denoised;
  const double prior = prior_weight * level_weight(weighting, level) / level;
  return trace.in(Trace::Stage::op, [&] {
    return problem.op->prox(denoised, problem.expected_y(denoised), problem.weights, prior / data);
  });
}

}  // namespace reddiff
