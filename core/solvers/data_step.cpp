// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/data_step.h"

#include <cmath>

#include "core/solvers/schedule.h"

namespace reddiff {
namespace {

// |row of L|^2, on average.
double row_energy(const Operator& linear) {
  const double values_per_row = 3.0 * linear.factor() * linear.factor() / static_cast<double>(linear.channels());
  return linear.mean_gain() * values_per_row;
}

at::Tensor mean_in_intervals(const Problem& problem, const at::Tensor& denoised, double level) {
  const auto* face = problem.op->intervals();
  if (!face || !face->linear) return problem.likelihood->mean_in_intervals(denoised, level);
  // Of its rows' energy: so much of an error in t along singular vectors that L hardly sees is not believed.
  constexpr double unsure = 1e-2;
  const Operator& linear = *face->linear;
  const double energy = row_energy(linear);
  const auto seen = linear.forward(denoised);
  const auto mean = problem.likelihood->mean_in_intervals(seen, level * std::sqrt(energy));
  return linear.prox(denoised, mean, problem.weights, unsure * energy);
}

}  // namespace

at::Tensor DataStep::operator()(const Problem& problem, const at::Tensor& denoised, double level, Trace& trace) const {
  if (problem.likelihood->has_intervals() && data_weight > 0)
    return trace.in(Trace::Stage::op, [&] { return mean_in_intervals(problem, denoised, level); });
  const double sigma_y = problem.sigma_y();
  const double data = data_weight * level * level / (sigma_y * sigma_y);
  if (data == 0) return denoised;
  const double prior = prior_weight * level_weight(weighting, level) / level;
  return trace.in(Trace::Stage::op, [&] {
    return problem.op->prox(denoised, problem.expected_y(denoised), problem.weights, prior / data);
  });
}

}  // namespace reddiff
