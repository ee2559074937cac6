// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/solvers/spectral.h"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

#include "core/api/abort.h"
#include "core/operators/spectrum.h"
#include "core/solvers/sampling.h"
#include "core/solvers/schedule.h"

namespace reddiff {
namespace {

// What was measured of each mode, at one size.
class Modes {
 public:
  explicit Modes(const Problem& problem) : spectrum_(*problem.op->spectrum()), sigma_y_(problem.sigma_y()) {
    values_ = spectrum_.singular_values(problem.y);
    if (problem.weights.defined()) values_ = values_ * problem.weights;
  }

  at::Tensor of_picture(const at::Tensor& x) const { return spectrum_.modes(x); }
  at::Tensor picture(const at::Tensor& modes) const { return spectrum_.picture(modes); }

  // U^T y for measurements as they are expected to be. Written times l, and so finite where nothing was measured.
  void look_at(const at::Tensor& y) { measured_ = spectrum_.measured_modes(y); }

  // Where the measurement says more than noise of this level.
  at::Tensor known(double level) const { return values_ * level >= std::max(sigma_y_, 1e-9); }

  // m with fresh noise up to the level; of use where known(level).
  at::Tensor at_level(double level, const at::Tensor& noise) const {
    const auto inverse = values_.clamp_min(1e-9).reciprocal();
    const auto lacks = (level * level - (sigma_y_ * inverse).square()).clamp_min(0).sqrt();
    return measured_ * inverse + lacks * noise;
  }

  // (m - x0)/sigma, or (u - x0)/s where nothing was measured.
  at::Tensor direction(const at::Tensor& u, const at::Tensor& x0, double level) const {
    return at::where(values_ > 0, (measured_ - values_ * x0) / sigma_y_, (u - x0) / level);
  }

 private:
  const Spectrum& spectrum_;
  double sigma_y_;
  at::Tensor values_, measured_;
};

}  // namespace

Solution Ddrm::solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                     Trace& trace) const {
  const Sampling sampling(make_levels(pass, prior.sigma_min(), prior.sigma_max(), seed_), seed_);
  const double kept = std::sqrt(1 - options_.eta * options_.eta);
  Modes modes(problem);
  modes.look_at(problem.y);
  auto u = modes.of_picture(sampling.first(start.mu));
  u = at::where(modes.known(sampling.level(0)), modes.at_level(sampling.level(0), sampling.fresh(sampling.steps(), u)),
                u);
  for (int step = 0; step < sampling.steps(); ++step) {
    throw_if_aborted();
    const double s = sampling.level(step), next = sampling.next_level(step);
    const auto denoised =
        trace.in(Trace::Stage::prior, [&] { return prior.denoise(modes.picture(u), sampling.sigma(step, u)); });
    if (next == 0) return {denoised, sampling.levels()};
    trace.in(Trace::Stage::op, [&] {
      modes.look_at(problem.expected_y(denoised));
      const auto x0 = modes.of_picture(denoised), noise = sampling.fresh(step, u);
      const auto led = x0 + next * (kept * modes.direction(u, x0, s) + options_.eta * noise);
      u = at::where(modes.known(next), modes.at_level(next, noise), led);
    });
  }
  return {modes.picture(u), sampling.levels()};
}

SolverPtr make_ddrm(const SolverOptions& options, std::uint64_t seed) {
  return std::make_unique<Ddrm>(std::get<DdrmOptions>(options), seed);
}

}  // namespace reddiff
