// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A frame from its own measurement: the mean starts at H^+ y.
#include "core/restorations/restorations.h"

namespace reddiff {
namespace {

class Independent final : public Restoration {
 public:
  explicit Independent(const Tools& tools) : tools_(tools) {}

  Restored restore(const Problem& problem, const Plan& plan, Motion&, Trace& trace) override {
    const Start start = cold_start(tools_, problem);
    return {solve(tools_, problem, plan.cold, start, trace), start.mu};
  }

 private:
  const Tools& tools_;
};

}  // namespace

RestorationPtr make_independent(const Tools& tools) { return std::make_unique<Independent>(tools); }

}  // namespace reddiff
