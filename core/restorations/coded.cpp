// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A frame whose measurement says in which intervals it lies (core/frame/quantised_dct.h): half-quadratic splitting, whatever else the
// problem would be solved by. All looks but the last ask the prior for white noise, at levels above the codec's error; what is left then
// is an error of its kind, if the prior knows that. Each frame was coded on its own, so what is left differs from frame to frame where
// something moves: a recursive filter stands in front of the last look, and that brings its z back into the frame's own intervals.
#include <optional>

#include "core/restorations/restorations.h"
#include "core/solvers/hqs.h"
#include "core/temporal/filter.h"

namespace reddiff {
namespace {

// What the first look leaves, to the filter, over sigma_y: by search, as the level of the last look of what the filter is sure of.
constexpr double doubt = 1.4;

class Coded final : public Restoration {
 public:
  Coded(const Tools& tools, std::optional<TemporalFilter> filter)
      : splitting_({}, 0),
        tools_{tools.op, tools.kind, tools.prior, splitting_, tools.constants},
        filter_(std::move(filter)) {}

  Restored restore(const Problem& problem, const Plan& plan, Motion& motion, Trace& trace) override {
    const Start measured{tools_.op->pseudo_inverse(problem.y), {}, false};
    Start last = measured;
    if (plan.cold.steps > 0) {
      Problem white = problem;
      white.kind = error_kind::white;
      last.mu = solve(tools_, white, plan.cold, measured, trace);
    }
    Restored restored{{}, measured.mu};
    if (filter_) trace.in(Trace::Stage::motion, [&] { ask_past(problem, plan, motion, last, restored); });
    restored.mu = solve(tools_, problem, plan.along, last, trace);
    if (filter_) filter_->remember(restored.mu);
    return restored;
  }

 private:
  void ask_past(const Problem& problem, const Plan& plan, Motion& motion, Start& last, Restored& restored) {
    const double noise = doubt * problem.sigma_y();
    const auto estimate = filter_->update({last.mu, {}, last.mu, noise}, motion);
    restored.cold = !estimate.z.defined();
    restored.cut = estimate.cut;
    if (restored.cold) return;
    const double level = plan.along.start_level;
    last = {estimate.z, (estimate.level * (level / noise)).clamp_max_(level), false};
  }

  Hqs splitting_;
  Tools tools_;
  std::optional<TemporalFilter> filter_;
};

}  // namespace

RestorationPtr make_coded(const Tools& tools) { return std::make_unique<Coded>(tools, std::nullopt); }

RestorationPtr make_coded_pictures(const Tools& tools) {
  return std::make_unique<Coded>(tools, TemporalFilter(tools.constants));
}

}  // namespace reddiff
