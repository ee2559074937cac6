// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/red_diff.h"

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/api/abort.h"
#include "core/solvers/rng.h"
#include "core/solvers/schedule.h"
#include "core/solvers/symmetry.h"

namespace reddiff {
namespace {

class StageClock {
 public:
  explicit StageClock(double* total) : total_(total), start_(std::chrono::steady_clock::now()) {}
  ~StageClock() {
    if (total_) *total_ += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
  }
  StageClock(const StageClock&) = delete;
  StageClock& operator=(const StageClock&) = delete;

 private:
  double* total_;
  std::chrono::steady_clock::time_point start_;
};

// What a GPU was told is only queued when the call returns: how long it takes is known after a wait. Deadlines are kept by it.
void wait_for(const at::Tensor& x) {
  if (x.is_cuda()) c10::impl::VirtualGuardImpl(x.device().type()).getStream(x.device()).synchronize();
}

// One level of the schedule as it meets the picture.
struct Level {
  int step = 0;
  double nominal = 0;  // s of the schedule
  at::Tensor sigma;    // [1,1,1,1], or [N,1,H,W] with a per-pixel start
};

Level make_level(const std::vector<double>& levels, int step, const Start& start) {
  const auto [lowest, highest] = std::minmax_element(levels.begin(), levels.end());
  const double high = *highest, now = levels[step], low = *lowest;
  Level level{step, now, {}};
  if (!start.level.defined()) {
    level.sigma = at::full({1, 1, 1, 1}, now, start.mu.options());
    return level;
  }
  level.sigma = start.level * (now / high);
  if (high > low) {
    const double way = std::log(now / low) / std::log(high / low);  // 1 at the highest level, 0 at the lowest
    level.sigma = at::where(start.level > high, (start.level / low).pow(way) * low, level.sigma);
  }
  return level;
}

bool adds_noise(Renoise renoise, int step) {
  return renoise == Renoise::every_step || (renoise == Renoise::after_first && step > 0);
}

bool clips(const Problem& problem) { return static_cast<bool>(problem.clipping); }

at::Tensor noisy_mean(const Problem& problem, const at::Tensor& mu, const Start& start, const Level& level,
                      Renoise renoise, std::uint64_t seed) {
  // The first mean is the clipped measurement itself; of what it was before, mu tells more and more.
  if (renoise == Renoise::measurement) return level.step > 0 && clips(problem) ? rows(problem, mu) : start.mu;
  if (!adds_noise(renoise, level.step)) return mu;
  return mu + level.sigma * normal_field(seed, level.step, mu.sizes(), mu.device());
}

at::Tensor denoise(const Denoiser& prior, const at::Tensor& u, const Level& level, bool symmetries) {
  if (!symmetries) return prior.denoise(u, level.sigma);
  const auto sigma = level.sigma.numel() == 1 ? level.sigma : apply_symmetry(level.sigma, level.step).contiguous();
  return undo_symmetry(prior.denoise(apply_symmetry(u, level.step).contiguous(), sigma), level.step).contiguous();
}

// v (N/m) of the data term at this level.
double data_factor(const Problem& problem, const SolverConfig& config, const Level& level, const at::Tensor& mu) {
  const double per_image = static_cast<double>(mu.numel()) / static_cast<double>(problem.y.numel());
  if (config.balance == Balance::fixed) return config.data_weight * per_image;
  return config.data_weight * level.nominal * level.nominal / (problem.noise * problem.noise);
}

at::Tensor data_gradient(const Problem& problem, const at::Tensor& mu) {
  const auto seen = problem.op->forward(mu);
  auto residual = seen - rows(problem, seen);
  if (problem.weights.defined()) residual.mul_(problem.weights);
  return problem.op->vjp(mu, residual);
}

Gradient make_gradient(const Problem& problem, const SolverConfig& config, const Level& level, const at::Tensor& mu,
                       const at::Tensor& denoised, StageTimes* times) {
  const double factor = data_factor(problem, config, level, mu);
  // lambda g(s)/s, with the schedule's level for every pixel; for the linear weight it is lambda whatever the level.
  const double curvature = config.prior_weight * level_weight(config.weighting, level.nominal) / level.nominal;
  Gradient gradient;
  gradient.minimizer = [&problem, denoised, factor, curvature, times] {
    if (factor == 0) return denoised;
    StageClock clock(times ? &times->op : nullptr);
    const auto y = clips(problem) ? rows(problem, problem.op->forward(denoised)) : problem.y;
    return problem.op->prox(denoised, y, problem.weights, curvature / factor);
  };
  if (config.optimizer == Optimizer::fixed_point) return gradient;  // the minimiser is all it asks for
  StageClock clock(times ? &times->op : nullptr);
  gradient.g = (mu - denoised).mul_(curvature);
  if (factor != 0) gradient.g.add_(data_gradient(problem, mu), factor);
  return gradient;
}

void check(const Problem& problem, const SolverConfig& config) {
  if (config.optimizer == Optimizer::fixed_point && !problem.op->linear())
    throw Error(ErrorCode::settings,
                "optimizer=fixed-point needs a linear operator; choose optimizer=adam for this one");
  if (config.renoise == Renoise::measurement && problem.weights.defined())
    throw Error(ErrorCode::settings, "a solver that takes its noise from the measurement needs every pixel measured");
}

}  // namespace

at::Tensor rows(const Problem& problem, const at::Tensor& hx) {
  return values_before_clipping(problem.y, hx, problem.noise, problem.clipping);
}

Solution red_diff(const Denoiser& prior, const Problem& problem, const SolverConfig& config, MeanOptimizer& optimizer,
                  const Start& start, std::uint64_t seed, const std::atomic<bool>* abort, StageTimes* times) {
  check(problem, config);
  const AbortScope scope(abort);
  Solution solution;
  solution.levels = make_levels(config, prior.sigma_min(), prior.sigma_max(), seed);
  at::Tensor mu = start.mu.clone();
  for (int step = 0; step < static_cast<int>(solution.levels.size()); ++step) {
    throw_if_aborted();
    const Level level = make_level(solution.levels, step, start);
    const auto u = noisy_mean(problem, mu, start, level, config.renoise, seed);
    at::Tensor denoised;
    {
      StageClock clock(times ? &times->prior : nullptr);
      denoised = denoise(prior, u, level, config.symmetries);
      if (times) wait_for(denoised);
      // What has been denoised here is the clipped measurement: its mean is not that of the picture.
      if (clips(problem) && step == 0 && (start.measured || config.renoise == Renoise::measurement))
        denoised = mean_before_clipping(denoised, problem.noise, problem.clipping);
    }
    const auto gradient = make_gradient(problem, config, level, mu, denoised, times);
    if (config.return_before_step) solution.mu = mu.clone();
    optimizer.step(mu, gradient);
  }
  if (!config.return_before_step) solution.mu = mu;
  return solution;
}

}  // namespace reddiff
