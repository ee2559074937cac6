// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One frame from code values to code values; the place to start reading core. The order of process() is the order of the rooms:
//   read the frame -> predict where the mean starts -> solve -> blend by strength -> write the frame.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/api/restorer.h"
#include "core/operators/operator.h"
#include "core/priors/tiled.h"
#include "core/solvers/red_diff.h"
#include "core/temporal/filter.h"
#include "core/temporal/noise_track.h"
#include "core/temporal/warm_start.h"

namespace reddiff {

class Engine final : public Restorer {
 public:
  // Loads the prior and builds the operator, so that what is wrong with the settings is said here. Throws reddiff::Error.
  // Other constants than the usual ones are for the search of them (tests/bench/search_filter.cpp), another flow for tests that
  // compare devices.
  Engine(const Config& config, bool live, const std::string& model_dirs, const FilterConstants& constants = {},
         std::unique_ptr<Flow> (*flow)() = make_flow);

  void reset() override;
  FrameReport process(const FrameView& in, const FrameView& out, const FrameOptions& options) override;
  std::string description() const override;

 private:
  struct Measurement;
  enum class Filtering { nothing, pictures, measurements };
  struct Geometry {
    int width = 0, height = 0, depth = 0, chroma_width = 0, chroma_height = 0;
    ColorModel model = ColorModel::rgb;
    bool full_range = true, has_alpha = false, cosited_x = true, cosited_y = false;
    double kr = 0, kb = 0;
    bool operator==(const Geometry&) const = default;
  };

  void check_frames(const FrameView& in, const FrameView& out);
  Measurement measure(const FrameView& in, const FrameOptions& options);
  Clipping clipping_of(const FrameView& in, const at::Tensor& picture, double noise);
  at::Tensor solve(const Measurement& measurement, const FrameOptions& options, FrameReport& report);
  Problem measured_along_time(Problem problem, FrameReport& report);
  at::Tensor estimate_of_rows(Problem& problem, FrameReport& report) const;
  at::Tensor solve_alone(Problem problem, const at::Tensor& plain, const Resolved& resolved,
                         const FrameOptions& options, FrameReport& report);
  at::Tensor solve_along_time(const Problem& problem, const at::Tensor& plain, const at::Tensor& single,
                              const Resolved& resolved, const FrameOptions& options, FrameReport& report);
  Solution run(const Problem& problem, SolverConfig config, Start start, const FrameOptions& options,
               FrameReport& report) const;

  Config config_;
  bool live_;
  at::Device device_;
  OperatorPtr op_;
  std::unique_ptr<TiledDenoiser> prior_;
  std::optional<WarmStart> warm_start_;  // neither of the two: temporal=none
  std::optional<TemporalFilter> filter_;
  NoiseTrack noise_{level_to_core(1)};
  ClippingEvidence clipping_;
  Filtering filtering_ = Filtering::nothing;  // of what filter_ and warm_start_ are
  std::optional<Geometry> geometry_;
};

}  // namespace reddiff
