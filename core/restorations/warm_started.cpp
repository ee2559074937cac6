// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The mean starts at the last solution, moved along the motion between the two measurements.
#include <ATen/ATen.h>

#include "core/restorations/restorations.h"
#include "core/temporal/behind_holes.h"
#include "core/temporal/fuse.h"
#include "core/temporal/warm_start.h"

namespace reddiff {
namespace {

// First level of each pixel: where its past is not trusted it starts as a frame without one does.
at::Tensor trusted_level(const at::Tensor& trust, double cold, double warm) {
  if (cold <= 0 || warm <= 0) return {};  // the paper's whole schedule
  return at::pow(warm / cold, trust).mul_(cold);
}

// Which pixels of the last solution are believed: here, those that the search for motion trusts.
at::Tensor all_of(const at::Tensor& trust, const Problem&) { return trust; }

// A large hole is estimated afresh for a filter: what z shall learn there must not be what it has told the warm start.
at::Tensor outside_of_large_holes(const at::Tensor& trust, const Problem& problem) {
  if (!problem.weights.defined()) return trust;
  return trust * (1 - large_holes(at::upsample_nearest2d(problem.weights, {trust.size(2), trust.size(3)})));
}

class WarmStarted : public Restoration {
 public:
  explicit WarmStarted(const Tools& tools) : tools_(tools) {}

  Restored restore(const Problem& measured, const Plan& plan, Motion& motion, Trace& trace) final {
    Problem problem = measured;
    Start start = cold_start(tools_, problem);
    Restored restored{{}, start.mu};
    trace.in(Trace::Stage::motion, [&] {
      const auto past = past_.predict(restored.plain, problem.sigma_y(), asks_for_trust(), motion);
      restored.cut = past.cut;
      restored.cold = !past.moved.defined();
      if (!restored.cold) take(past, plan, problem, start);
    });
    restored.mu = solve(tools_, problem, restored.cold ? plan.cold : plan.warm, start, trace);
    past_.remember(restored.plain, restored.mu);
    return restored;
  }

 private:
  virtual bool asks_for_trust() const = 0;

  // The start of a frame with a past, from that of one without.
  virtual void take(const Prediction& past, const Plan& plan, Problem& problem, Start& start) const = 0;

  const Tools& tools_;
  WarmStart past_;
};

class TrustedStart final : public WarmStarted {
 public:
  using Belief = at::Tensor (*)(const at::Tensor& trust, const Problem& problem);

  TrustedStart(const Tools& tools, Belief belief) : WarmStarted(tools), belief_(belief) {}

 private:
  bool asks_for_trust() const override { return true; }

  void take(const Prediction& past, const Plan& plan, Problem& problem, Start& start) const override {
    const auto trust = belief_(past.trust, problem);
    start = {at::lerp(start.mu, past.moved, trust), trusted_level(trust, plan.cold.start_level, plan.warm.start_level),
             false};
  }

  Belief belief_;
};

class WeighedStart final : public WarmStarted {
 public:
  using WarmStarted::WarmStarted;

 private:
  bool asks_for_trust() const override { return false; }

  void take(const Prediction& past, const Plan&, Problem& problem, Start& start) const override {
    const auto fused = fuse(problem.expected_y(past.moved), past.moved, problem.sigma_y());
    start = {fused.mu, fused.level, false};
    problem.likelihood = problem.likelihood->debiased();  // what is denoised now is not clipped
  }
};

}  // namespace

RestorationPtr make_warm_started(const Tools& tools) { return std::make_unique<TrustedStart>(tools, all_of); }

RestorationPtr make_warm_started_for_filter(const Tools& tools) {
  return std::make_unique<TrustedStart>(tools, outside_of_large_holes);
}

RestorationPtr make_fused_start(const Tools& tools) { return std::make_unique<WeighedStart>(tools); }

}  // namespace reddiff
