// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A frame whose measurement says in which intervals it lies (core/frame/quantised_dct.h): half-quadratic splitting, whatever else the
// problem would be solved by. All looks but the last ask the prior for white noise, at levels above the codec's error; what is left then is
// an error of its kind, if the prior knows that.
#include "core/restorations/restorations.h"
#include "core/solvers/hqs.h"

namespace reddiff {
namespace {

class Coded final : public Restoration {
 public:
  explicit Coded(const Tools& tools)
      : splitting_({}, 0), tools_{tools.op, tools.kind, tools.prior, splitting_, tools.constants} {}

  Restored restore(const Problem& problem, const Plan& plan, Motion&, Trace& trace) override {
    const Start start{tools_.op->pseudo_inverse(problem.y), {}, false};
    Start last = start;
    if (plan.cold.steps > 0) {
      Problem white = problem;
      white.kind = error_kind::white;
      last.mu = solve(tools_, white, plan.cold, start, trace);
    }
    return {solve(tools_, problem, plan.along, last, trace), start.mu};
  }

 private:
  Hqs splitting_;
  Tools tools_;
};

}  // namespace

RestorationPtr make_coded(const Tools& tools) { return std::make_unique<Coded>(tools); }

}  // namespace reddiff
