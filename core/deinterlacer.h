// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole frames of interlaced ones, in code values of any format: each component is filtered on its own grid (core/temporal/field_filter.h),
// as every second line of each belongs to the other field. Motion is searched in the luma, or in R, G, B. Measured lines leave as they came.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/api/restorer.h"
#include "core/frame/trace.h"
#include "core/priors/denoiser.h"
#include "core/temporal/field_filter.h"
#include "core/temporal/flow.h"

namespace reddiff {

// A frame in memory of its own, on the device of the one that it is made after.
class FrameLike {
 public:
  explicit FrameLike(const FrameView& model);
  const FrameView& view() const { return view_; }

 private:
  FrameView view_;
  std::vector<at::Tensor> memory_;
};

class Deinterlacer {
 public:
  // flow must outlive it.
  Deinterlacer(at::Device device, const Flow& flow) : device_(device), flow_(flow) {}

  void reset() { groups_.clear(); }

  // Takes in the lines of one field of `in`, top or bottom. A frame of other components than the last: reset() first.
  void see(const FrameView& in, FrameLines lines, Trace& trace);

  // The frame of the last field; out: of one layout with what was seen.
  void write(const FrameView& out) const;

  // The same, with what is not certain between the lines denoised; returns whether there was anything, and calls the prior only then.
  bool write_cleaned(const FrameView& out, const Denoiser& prior, Trace& trace) const;

 private:
  // Components of one size that are filtered together, [1,C,h,w].
  struct Group {
    FieldFilter filter;
    FieldFilter::Whole whole;
  };
  std::vector<at::Tensor> planes() const;

  at::Device device_;
  const Flow& flow_;
  std::vector<Group> groups_;
};

}  // namespace reddiff
