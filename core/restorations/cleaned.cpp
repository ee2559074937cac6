// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a codec left is taken away at the size of the measurement, by one call of the prior's tensors for it, place by place, and the restoration
// inside enlarges what that leaves. The codec worked at that size: seen through H its errors are no white noise, and the prior for large pictures
// knows nothing of them. The call costs little at this size.
#include <ATen/ATen.h>

#include "core/restorations/restorations.h"

namespace reddiff {
namespace {

// What is still wrong, over what was told: by search, and the optimum is flat.
constexpr double left_wrong = 0.6;

class Cleaned final : public Restoration {
 public:
  Cleaned(const Tools& tools, RestorationPtr inner) : tools_(tools), inner_(std::move(inner)) {}

  Restored restore(const Problem& problem, const Plan& plan, Motion& motion, Trace& trace) override {
    const auto level = level_of(problem);
    const Denoiser* knows = tools_.prior.for_kind(problem.kind);
    Problem left = problem;
    left.y = trace.in(Trace::Stage::prior,
                      [&] { return (knows ? *knows : tools_.prior).denoise(problem.y, level.by_place); });
    left.likelihood = make_left_by_codec(left_wrong * level.mean);
    left.kind = error_kind::white;
    return inner_->restore(left, plan, motion, trace);
  }

 private:
  struct Told {
    at::Tensor by_place;
    double mean;
  };

  // One level stands for all places of what is left: its mean, so that what is drawn keeps its edges.
  Told level_of(const Problem& problem) const {
    const double sigma_y = problem.sigma_y();
    const auto& map = problem.likelihood->sigma_map();
    if (map.defined() && tools_.prior.per_pixel_sigma()) return {map, map.mean().item<double>()};
    return {at::full({1, 1, 1, 1}, sigma_y, problem.y.options()), sigma_y};
  }

  const Tools& tools_;
  RestorationPtr inner_;
};

}  // namespace

RestorationPtr make_cleaned(const Tools& tools) { return std::make_unique<Cleaned>(tools, make_independent(tools)); }

RestorationPtr make_cleaned_start(const Tools& tools) {
  return std::make_unique<Cleaned>(tools, make_warm_started(tools));
}

RestorationPtr make_cleaned_pictures(const Tools& tools) {
  return std::make_unique<Cleaned>(tools, make_reduced_pictures(tools));
}

}  // namespace reddiff
