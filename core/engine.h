// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One frame from code values to code values; the place to start reading core. A PlanBook has decided everything before the first frame,
// the Observer says what a frame is and how far it can be believed, a Restoration restores it, a Solver solves.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/api/plan.h"
#include "core/api/restorer.h"
#include "core/concealer.h"
#include "core/deinterlacer.h"
#include "core/frame/device_queue.h"
#include "core/frame/geometry.h"
#include "core/frame/observer.h"
#include "core/priors/tiled.h"
#include "core/restorations/restoration.h"

namespace reddiff {

class Engine final : public Restorer {
 public:
  // Loads the prior and builds operator and solver, so that what is wrong with the settings is said here. Throws reddiff::Error.
  // Other constants than the usual ones are for the search of them (tests/bench/search_filter.cpp), another flow for tests that
  // compare devices.
  Engine(const Config& config, bool live, const std::string& model_dirs, const FilterConstants& constants = {},
         std::unique_ptr<Flow> (*flow)() = make_flow);

  void reset() override;
  FrameReport process(const FrameView& in, const FrameView& out, const FrameOptions& options) override;
  int cuda_device() const override;
  std::string description() const override;

 private:
  void check_frames(const FrameView& in, const FrameView& out);
  Observer make_observer() const;
  bool may_pass(const FrameView& in, const FrameView& out) const;
  FrameReport process_or_throw(const FrameView& in, const FrameView& out, const FrameOptions& options);
  void see_lines(const FrameView& in, const FrameOptions& options, Trace& trace);
  void show_whole(const FrameView& in, const FrameView& out, const FrameOptions& options, Trace& trace);
  void draw_over(const FrameView& out, const FrameReport& report, const FrameOptions& options);
  FrameReport concealed_frame(const FrameView& in, const FrameView& out, const FrameOptions& options, Trace& trace);
  FrameReport restored_frame(const FrameView& in, const FrameView& out, const FrameOptions& options, Trace& trace);
  Restored restore(const Observed& seen, const Plan& plan, Trace& trace);
  at::Tensor beside_input(const Observed& seen, const at::Tensor& picture, const FrameOptions& options) const;
  at::Tensor mixed(const FrameView& in, const Observed& seen, const at::Tensor& restored,
                   const FrameOptions& options) const;
  struct Shown {
    at::Tensor picture;
    std::optional<Awaited> finite;  // whether what was restored is; none where nothing was
  };
  Shown shown(const FrameView& in, const FrameView& out, const Observed& seen, const at::Tensor& restored,
              const FrameOptions& options) const;
  at::Tensor with_grain(const at::Tensor& picture, const FrameView& out, const Observed& seen,
                        const FrameOptions& options) const;

  Config config_;
  PlanBook book_;
  at::Device device_;
  OperatorPtr op_;
  std::unique_ptr<TiledDenoiser> prior_;
  SolverPtr solver_;
  Tools tools_;
  MotionSearch motion_search_;
  Deinterlacer deinterlacer_;
  Concealer concealer_;
  Observer observer_;
  RestorationPtr restoration_;  // of shape_; none before the first frame, and after what makes the past worthless
  Shape shape_ = Shape::independent;
  std::optional<Geometry> geometry_;
  std::uint64_t frames_ = 0;  // that were shown since the past began
  double last_ms_ = 0;        // of the frame before
};

}  // namespace reddiff
