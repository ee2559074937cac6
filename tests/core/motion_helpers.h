// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of motion share.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "core/temporal/filter.h"
#include "core/temporal/warm_start.h"

namespace reddiff {

inline at::Tensor constant_flow(std::int64_t height, std::int64_t width, double u, double v) {
  at::Tensor flow = at::empty({1, 2, height, width});
  flow.select(1, 0).fill_(u);
  flow.select(1, 1).fill_(v);
  return flow;
}

inline at::Tensor inside(const at::Tensor& t, std::int64_t border) {
  return t.narrow(2, border, t.size(2) - 2 * border).narrow(3, border, t.size(3) - 2 * border);
}

// A filter, and a warm start, with a search for motion of their own: every update and prediction is another frame.
class FilterAlone {
 public:
  explicit FilterAlone(double scene_threshold, std::unique_ptr<Flow> flow = make_flow(),
                       const FilterConstants& constants = {})
      : search_{scene_threshold, std::move(flow)}, filter_(constants) {}

  TemporalFilter::Estimate update(const Measured& now) {
    Motion motion(search_);
    return filter_.update(now, motion);
  }
  void remember(const at::Tensor& restored) { filter_.remember(restored); }
  void reset() { filter_.reset(); }

 private:
  MotionSearch search_;
  TemporalFilter filter_;
};

class WarmStartAlone {
 public:
  explicit WarmStartAlone(double scene_threshold) : search_{scene_threshold, make_flow()} {}

  Prediction predict(const at::Tensor& measured, double noise, bool with_trust) {
    Motion motion(search_);
    return start_.predict(measured, noise, with_trust, motion);
  }
  void remember(const at::Tensor& measured, const at::Tensor& solution) { start_.remember(measured, solution); }
  void reset() { start_.reset(); }

 private:
  MotionSearch search_;
  WarmStart start_;
};

}  // namespace reddiff
