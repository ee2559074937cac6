// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A recursive filter of measurements in front of another restoration. The blur of a moved picture is the moved blur, and so with a
// reduction where noise hides what it aliases: so the measurement is what is filtered, and the inner restoration finds less noise in it.
#include <ATen/ATen.h>

#include <functional>

#include "core/restorations/restorations.h"
#include "core/temporal/filter.h"

namespace reddiff {
namespace {

class MeasurementFiltered : public Restoration {
 public:
  using MakeInner = RestorationPtr (*)(const Tools&);

  MeasurementFiltered(const Tools& tools, MakeInner make_inner)
      : tools_(tools), make_inner_(make_inner), inner_(make_inner(tools)), filter_(tools.constants) {}

  Restored restore(const Problem& problem, const Plan& plan, Motion& motion, Trace& trace) override {
    Problem filtered = problem;
    const auto single = visible_motion(filtered, trace);
    const auto estimate =
        trace.in(Trace::Stage::motion, [&] { return filter_.update(measure(filtered, single), motion); });
    if (estimate.cut) inner_ = make_inner_(tools_);
    if (estimate.z.defined()) {
      filtered.y = estimate.z;
      filtered.likelihood = make_gaussian(estimate.level.square().mean().sqrt().item<double>());
    }
    auto restored = inner_->restore(filtered, plan, motion, trace);
    restored.cold = restored.cold && !estimate.z.defined();
    restored.cut = restored.cut || estimate.cut;
    return restored;
  }

 protected:
  // The measurement with less noise, for motion and what is wrong with it; takes clipping out of the problem.
  virtual at::Tensor visible_motion(Problem& problem, Trace& trace) const = 0;

  // What the frame tells the filter.
  virtual Measured measure(const Problem& problem, const at::Tensor& single) const = 0;

  const Tools& tools() const { return tools_; }

 private:
  const Tools& tools_;
  MakeInner make_inner_;
  RestorationPtr inner_;
  TemporalFilter filter_;
};

// y as it was before code values ended; estimate: the picture of its rows.
void take_clipping_out(Problem& problem, const std::function<at::Tensor()>& estimate) {
  problem.y = problem.likelihood->expected_y(problem.y, estimate);
  problem.likelihood = problem.likelihood->debiased();
}

// H^T y: the blur leaves no more detail than that, and it has little noise.
class BlurredMeasurements final : public MeasurementFiltered {
 public:
  using MeasurementFiltered::MeasurementFiltered;

 protected:
  at::Tensor visible_motion(Problem& problem, Trace&) const override {
    take_clipping_out(problem, [&] { return problem.likelihood->debias(tools().op->vjp(problem.y, problem.y)); });
    return tools().op->vjp(problem.y, problem.y);
  }

  Measured measure(const Problem& problem, const at::Tensor& single) const override {
    Measured measured{problem.y, {}, single, problem.sigma_y()};
    measured.noise_left = tools().op->mean_gain();
    measured.share_alike = problem.likelihood->share_alike();
    return measured;
  }
};

// A call of the prior, which costs little at this size.
class ReducedMeasurements final : public MeasurementFiltered {
 public:
  using MeasurementFiltered::MeasurementFiltered;

 protected:
  at::Tensor visible_motion(Problem& problem, Trace& trace) const override {
    const auto level = at::full({1, 1, 1, 1}, problem.sigma_y(), problem.y.options());
    const auto denoised = trace.in(Trace::Stage::prior, [&] { return tools().prior.denoise(problem.y, level); });
    const auto estimate = problem.likelihood->debias(denoised);
    take_clipping_out(problem, [&] { return estimate; });
    return estimate;
  }

  Measured measure(const Problem& problem, const at::Tensor& single) const override {
    Measured measured{problem.y, {}, single, problem.sigma_y()};
    measured.share_alike = problem.likelihood->share_alike();
    return measured;
  }
};

}  // namespace

RestorationPtr make_blurred_measurements(const Tools& tools) {
  return std::make_unique<BlurredMeasurements>(tools, make_warm_started);
}

RestorationPtr make_reduced_measurements(const Tools& tools) {
  return std::make_unique<ReducedMeasurements>(tools, make_independent);
}

}  // namespace reddiff
