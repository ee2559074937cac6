// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a frame is restored out of its own measurement and what is known from those before it. A Restoration decides which frames help;
// what it solves on the way is a Solver's. It remembers what it needs of the past in core units, tensors of its own; to forget is to make
// a new one (make_restoration), and after an exception that is what has to be done. One of them may wrap another:
//
//   independent          the measurement alone
//   warm_started         the mean starts at the last solution, moved along the motion
//   picture_filtered     wraps the first two: their answer is one look of a recursive filter of pictures
//   measurement_filtered wraps the first two: they solve what a recursive filter makes of the measurements
//   cleaned              wraps what enlarges: a small picture without what a codec left in it
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/api/plan.h"
#include "core/frame/trace.h"
#include "core/operators/operator.h"
#include "core/priors/denoiser.h"
#include "core/solvers/solver.h"
#include "core/temporal/filter_constants.h"
#include "core/temporal/motion.h"

namespace reddiff {

// What every restoration works with; owned by who makes them, and outlives them.
struct Tools {
  OperatorPtr op;
  ProblemKind kind;
  const Denoiser& prior;
  const Solver& solver;
  FilterConstants constants;
};

struct Restored {
  at::Tensor mu;     // [1,3,H,W]
  at::Tensor plain;  // [1,3,H,W], H^+ y
  bool cold = true;  // nothing of it came from frames before
  bool cut = false;  // there was a past, of another scene; it has been forgotten
};

class Restoration {
 public:
  virtual ~Restoration() = default;

  // problem: of one frame, tools.op its operator; plan: of the shape that this restoration was made for.
  // motion: of this frame against the last one.
  virtual Restored restore(const Problem& problem, const Plan& plan, Motion& motion, Trace& trace) = 0;
};

using RestorationPtr = std::unique_ptr<Restoration>;

// The restoration of a shape (a table); tools must outlive it.
RestorationPtr make_restoration(Shape shape, const Tools& tools);

// H^+ y; where pixels of the picture itself were measured, these noise and all.
Start cold_start(const Tools& tools, const Problem& problem);

// tools.solver on tools.prior. A prior that takes one level per picture gets the root mean square of start.level.
at::Tensor solve(const Tools& tools, const Problem& problem, const Pass& pass, Start start, Trace& trace);

}  // namespace reddiff
