// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a frame is restored, decided before the first one. A PlanBook is made of the settings, refuses what makes no sense, and then only
// looks up: at(sigma_y) says for one frame which restoration (core/restorations) runs and which noise levels its solver visits.
#pragma once

#include <optional>

#include "core/api/config.h"
#include "core/api/presets.h"
#include "core/api/solver_options.h"

namespace reddiff {

// What a frame takes from those before it; each is a row of core/restorations/make_restoration.cpp.
enum class Shape {
  independent,       // nothing
  warm_started,      // its mean starts at the last solution
  fused_start,       // it starts at the last solution weighed against the measurement, which is the picture with noise
  noisy_pictures,    // filtered pictures: the measurement is the picture with noise
  holed_pictures,    // filtered pictures, pixels of which are missing
  reduced_pictures,  // filtered pictures, seen at a lower resolution without noise
  blurred_measurements,  // filtered measurements: blur and motion change places
  reduced_measurements,  // filtered measurements, small and noisy
  cleaned,               // nothing: what a codec left in a small picture is taken away before it is enlarged
  cleaned_start,         // the same, its mean starts at the last solution
  cleaned_pictures,      // the same in front of filtered pictures
  coded,                 // nothing: the measurement says in which intervals the picture lies
  coded_pictures,        // filtered pictures that lie in such intervals
};

// What stands between a measurement and H(x), beside its level.
enum class Errors {
  noise,
  codec,      // what a codec left, which the prior knows as a kind of its own
  intervals,  // they are all that the measurement says (core/frame/likelihood.h)
};

struct Plan {
  Shape shape = Shape::independent;
  Pass cold;  // a frame from its own measurement alone
  Pass warm;  // one whose mean starts at the moved previous solution
  // Intervals: `cold` with white noise in mind, `along` with the error that the intervals' rounding is.
  // Filtered pictures alone: from the filter's z, at the level that it says of each pixel; and the first frame's calls that `cold`,
  // which then is a first look, has left.
  Pass along, afresh;
};

// What is to be undone. Throws as resolve_operator and resolve_mask.
ProblemKind resolve_problem(const Config& config);

class PlanBook {
 public:
  // `live`: the source is live, which preset=auto depends on. Throws Error{settings} with one sentence that says what to set. What
  // depends on the operator's own code (Needs of core/solvers/solver.h) is compared in Engine's constructor.
  PlanBook(const Config& config, bool live);

  const OperatorSpec& op() const { return op_; }
  int scale() const { return op_.factor(); }
  MaskSource mask() const { return mask_; }  // never automatic
  ProblemKind kind() const { return kind_; }
  SolverKind solver() const { return solver_; }  // never preset
  const SolverOptions& options() const { return options_; }
  // What is not certain between the lines of a field is denoised, where nothing else will be.
  bool cleans_fields() const { return preset_ != Preset::live; }
  // Whether half of the time is worth some hundredths of a dB: core/priors/precision.h.
  // Solvers that go by many small steps add up what each call loses.
  bool time_counts() const {
    return (preset_ == Preset::live || preset_ == Preset::quality) &&
           (solver_ == SolverKind::hqs || solver_ == SolverKind::ensemble);
  }
  bool knows_clipping() const { return preset_ != Preset::paper; }  // the paper's loss does not

  // Whether what a codec left is taken away first, at the size of the measurement. Not where pixels are missing: what is filled in is no picture.
  bool cleans_first() const;

  // Whether intervals are of use.
  bool knows_intervals() const {
    const bool has_exact_step = solver_ == SolverKind::hqs || solver_ == SolverKind::diffpir;
    return solver_ == SolverKind::ensemble || (has_exact_step && says_intervals(kind_));
  }

  // The stage of the operator that says in which intervals values lie, where that is of use.
  std::optional<OperatorStage> cells() const {
    return knows_intervals() && says_intervals(kind_) ? std::optional(op_.stages.back()) : std::nullopt;
  }

  // sigma_y > 0: of the measurement, core units. most_calls > 0: of the prior, whatever the steps and the temporal mode ask for; the
  // filter then makes do with a single call.
  Plan at(double sigma_y, int most_calls = -1, Errors errors = Errors::noise) const noexcept;

 private:
  struct User {
    int steps;
    double start_level;
    Order order;
    Spacing spacing;
  };

  void check_numbers() const;
  void check_intervals() const;
  Pass with_user_values(Pass pass) const noexcept;
  Shape shape_at(double sigma_y) const noexcept;
  void share_steps(int most_calls, Plan& plan) const noexcept;
  Plan at_intervals(double sigma_y, int most_calls) const noexcept;

  OperatorSpec op_;
  MaskSource mask_;
  Preset preset_;
  ProblemKind kind_;
  SolverKind solver_;
  SolverOptions options_;
  Temporal temporal_;
  User user_;
};

}  // namespace reddiff
