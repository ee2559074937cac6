// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/guided.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/api/abort.h"
#include "core/solvers/sampling.h"
#include "core/solvers/schedule.h"

namespace reddiff {
namespace {

constexpr double values_of_256 = 3.0 * 256 * 256;

// J_H(x)^T w (H(x) - y) / |w (H(x) - y)|, the gradient in x of the norm; each image has its own.
at::Tensor gradient_of_norm(const Problem& problem, const at::Tensor& x) {
  const auto residual = problem.residual(problem.op->forward(x));
  std::vector<at::Tensor> norms;
  for (std::int64_t i = 0; i < residual.size(0); ++i) norms.push_back(residual[i].norm().clamp_min(1e-12));
  return problem.op->vjp(x, residual).div(at::stack(norms).view({-1, 1, 1, 1}));
}

// H^T (H H^T + ratio)^-1 w (y - H x), the picture of least energy that explains the misfit up to its noise.
at::Tensor explained(const Problem& problem, const at::Tensor& x, double ratio) {
  const auto seen = problem.op->forward(x), residual = problem.residual(seen);
  if (problem.op->linear()) return problem.op->prox(at::zeros_like(x), -residual, problem.weights, ratio);
  return problem.op->pseudo_inverse(seen - residual) - problem.op->pseudo_inverse(seen);
}

}  // namespace

Solution Dps::solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                    Trace& trace) const {
  const auto& differentiable = *prior.differentiable();
  const Sampling sampling(make_levels(pass, prior.sigma_min(), prior.sigma_max(), seed_), seed_);
  const double per_image = static_cast<double>(start.mu.numel()) / static_cast<double>(start.mu.size(0));
  const double zeta = options_.zeta * std::sqrt(per_image / values_of_256);
  auto u = sampling.first(start.mu);
  for (int step = 0; step < sampling.steps(); ++step) {
    throw_if_aborted();
    const double s = sampling.level(step), next = sampling.next_level(step);
    const auto [denoised, gradient] = trace.in(Trace::Stage::prior, [&] {
      return differentiable.denoise_with_gradient(u, sampling.sigma(step, u), [&](const at::Tensor& x) {
        return trace.in(Trace::Stage::op, [&] { return gradient_of_norm(problem, x); });
      });
    });
    u = sampling.next(step, u, denoised, 1) - gradient * (zeta * std::sqrt((1 + s * s) * (1 + next * next)));
  }
  return {u, sampling.levels()};
}

Solution PiGdm::solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                      Trace& trace) const {
  const auto& differentiable = *prior.differentiable();
  const Sampling sampling(make_levels(pass, prior.sigma_min(), prior.sigma_max(), seed_), seed_);
  const double noise = problem.sigma_y() * problem.sigma_y();
  auto u = sampling.first(start.mu);
  for (int step = 0; step < sampling.steps(); ++step) {
    throw_if_aborted();
    const double s2 = sampling.level(step) * sampling.level(step);
    const auto [denoised, g] = trace.in(Trace::Stage::prior, [&] {
      return differentiable.denoise_with_gradient(u, sampling.sigma(step, u), [&](const at::Tensor& x) {
        return trace.in(Trace::Stage::op, [&] { return explained(problem, x, noise * (1 + s2) / s2); });
      });
    });
    u = sampling.next(step, u, denoised, options_.eta) + g;
  }
  return {u, sampling.levels()};
}

SolverPtr make_dps(const SolverOptions& options, std::uint64_t seed) {
  return std::make_unique<Dps>(std::get<DpsOptions>(options), seed);
}

SolverPtr make_pigdm(const SolverOptions& options, std::uint64_t seed) {
  return std::make_unique<PiGdm>(std::get<PiGdmOptions>(options), seed);
}

}  // namespace reddiff
