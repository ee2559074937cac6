// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What one frame cost and visited: milliseconds by stage, noise levels, calls of the prior. Work on a GPU is only queued when a call
// returns, so there a stage is bracketed by two events of the device and read when the frame is done: nothing waits in between.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <optional>
#include <vector>

#include "core/api/restorer.h"

namespace reddiff {

class Trace {
 public:
  enum class Stage { convert, motion, op, prior };

  // device: where the work takes place.
  explicit Trace(c10::Device device);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // Runs `work` as part of a stage and returns what it returns. Stages may lie in one another; each takes all of its time.
  template <typename Work> auto in(Stage stage, Work&& work) {
    const Span span(*this, stage);
    return work();
  }

  // A run of a solver, in order.
  void visited(const std::vector<double>& levels);

  int prior_calls() const { return prior_calls_; }
  // Of the last run, core units; 0 without one.
  double highest_level() const { return highest_; }
  double lowest_level() const { return lowest_; }

  // `total`: since this object was made; what no stage claims of it is `optimizer`, the solver's own. On a GPU the work must be done:
  // whoever has read a result from there has waited for it.
  StageTimes times();

 private:
  class Clock;
  class Span {
   public:
    Span(Trace& trace, Stage stage);
    ~Span();
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

   private:
    Trace& trace_;
    std::size_t index_;
  };

  std::unique_ptr<Clock> clock_;
  int prior_calls_ = 0;
  double highest_ = 0, lowest_ = 0;
};

}  // namespace reddiff
