// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A recursive filter of pictures (core/temporal/filter.h) around another restoration, which says what a frame's own measurement makes of
// it. From what all frames have measured, z, the rest of the steps go on, at the level that the filter says of each pixel.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/restorations/restorations.h"
#include "core/temporal/filter.h"

namespace reddiff {
namespace {

class PictureFiltered : public Restoration {
 public:
  PictureFiltered(const Tools& tools, RestorationPtr inner)
      : tools_(tools), inner_(std::move(inner)), filter_(tools.constants) {}

  Restored restore(const Problem& problem, const Plan& plan, Motion& motion, Trace& trace) override {
    const auto single = inner_->restore(problem, plan, motion, trace);
    if (single.cut) filter_.reset();
    const auto estimate =
        trace.in(Trace::Stage::motion, [&] { return filter_.update(measure(problem, plan, single), motion); });
    Restored restored{single.mu, single.plain, !estimate.z.defined(), single.cut || estimate.cut};
    if (plan.along.steps == 0) return restored;
    if (restored.cold)
      restored.mu = without_past(problem, plan, single, trace);
    else
      restored.mu = from_past(problem, plan, estimate, trace);
    return restored;
  }

 protected:
  // What the frame tells the filter; single: the estimate from it alone.
  virtual Measured measure(const Problem& problem, const Plan& plan, const Restored& single) const = 0;

  // The rest of the steps of a frame without a past.
  virtual at::Tensor without_past(const Problem& problem, const Plan& plan, const Restored& single,
                                  Trace& trace) const = 0;

  virtual at::Tensor from_past(const Problem& problem, const Plan& plan, const TemporalFilter::Estimate& estimate,
                               Trace& trace) = 0;

  const Tools& tools() const { return tools_; }
  TemporalFilter& filter() { return filter_; }

 private:
  const Tools& tools_;
  RestorationPtr inner_;
  TemporalFilter filter_;
};

// The measurement shows pixels of the picture itself, with noise. z is not clipped: its noise comes from many frames.
class SeenPictures : public PictureFiltered {
 public:
  using PictureFiltered::PictureFiltered;

 protected:
  Measured measure(const Problem& problem, const Plan&, const Restored& single) const override {
    const auto y = problem.likelihood->expected_y(problem.y, [&] { return single.mu; });
    Measured measured{y, problem.weights, single.mu, problem.sigma_y()};
    measured.noise_map = problem.likelihood->sigma_map();
    measured.share_alike = problem.likelihood->share_alike();
    measured.slow_power = problem.likelihood->slow_power();
    return measured;
  }

  at::Tensor from_past(const Problem& problem, const Plan& plan, const TemporalFilter::Estimate& estimate,
                       Trace& trace) override {
    Problem along = problem;
    along.likelihood = problem.likelihood->debiased();
    const auto mu = solve(tools(), along, plan.along, {estimate.z, estimate.level}, trace);
    filter().remember(mu);
    return mu;
  }
};

class NoisyPictures final : public SeenPictures {
 public:
  using SeenPictures::SeenPictures;

 protected:
  at::Tensor without_past(const Problem& problem, const Plan& plan, const Restored& single,
                          Trace& trace) const override {
    return plan.afresh.steps == 0 ? single.mu
                                  : solve(tools(), problem, plan.afresh, cold_start(tools(), problem), trace);
  }
};

class HoledPictures final : public SeenPictures {
 public:
  using SeenPictures::SeenPictures;

 protected:
  at::Tensor without_past(const Problem& problem, const Plan& plan, const Restored& single,
                          Trace& trace) const override {
    return solve(tools(), problem, plan.afresh, {single.mu, {}}, trace);
  }
};

// H loses resolution: what the filter is told is the estimate from the frame alone, and z is brought back to y.
class ReducedPictures final : public PictureFiltered {
 public:
  using PictureFiltered::PictureFiltered;

 protected:
  Measured measure(const Problem& problem, const Plan& plan, const Restored& single) const override {
    Measured measured{single.plain, problem.weights, single.mu, problem.sigma_y()};
    measured.residual = [this, &problem](const at::Tensor& x) { return problem.y - tools().op->forward(x); };
    const double rho = std::pow(problem.sigma_y() / highest_level(plan.cold), 2);
    measured.agree = [this, &problem, rho](const at::Tensor& z) {
      return tools().op->prox(z, problem.y, problem.weights, rho);
    };
    return measured;
  }

  // A frame without any past has had all its steps.
  at::Tensor without_past(const Problem& problem, const Plan& plan, const Restored& single,
                          Trace& trace) const override {
    return single.cold ? single.mu : solve(tools(), problem, plan.afresh, {single.mu, {}}, trace);
  }

  at::Tensor from_past(const Problem& problem, const Plan& plan, const TemporalFilter::Estimate& estimate,
                       Trace& trace) override {
    return solve(tools(), problem, plan.along, {estimate.z, estimate.level}, trace);
  }

 private:
  double highest_level(const Pass& pass) const {
    const Denoiser& prior = tools().prior;
    return pass.start_level > 0 ? std::clamp(pass.start_level, prior.sigma_min(), prior.sigma_max())
                                : prior.sigma_max();
  }
};

}  // namespace

RestorationPtr make_noisy_pictures(const Tools& tools) {
  return std::make_unique<NoisyPictures>(tools, make_independent(tools));
}

RestorationPtr make_holed_pictures(const Tools& tools) {
  return std::make_unique<HoledPictures>(tools, make_independent(tools));
}

RestorationPtr make_reduced_pictures(const Tools& tools) {
  return std::make_unique<ReducedPictures>(tools, make_warm_started_for_filter(tools));
}

}  // namespace reddiff
