// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The exact data step, with D held constant at a level s:
//
//   mu = argmin_x  v |H x - y|^2_w / sigma_y^2  +  lambda g(s)/s |x - D|^2 / s^2
//
// a regularised least-squares problem that the operator's proximal step solves. v = 0: mu = D. For the linear weighting g(s)/s is 1.
//
// Of a measurement that is intervals mu is the mean of N(D, s^2) inside them instead (likelihood.h). Where a linear L stands before them
// that is D + L^T (L L^T)^-1 (t - L D), t the mean of L x in its intervals: exact where the rows of L are orthogonal (reductions by
// average-pool, gray); elsewhere t is taken row by row, with their mean norm.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/names.h"
#include "core/frame/trace.h"
#include "core/solvers/problem.h"

namespace reddiff {

struct DataStep {
  Weighting weighting;
  double prior_weight, data_weight;  // lambda > 0, v >= 0

  // denoised: D, [N,3,H,W]; level: s, core units. Returns mu.
  at::Tensor operator()(const Problem& problem, const at::Tensor& denoised, double level, Trace& trace) const;
};

}  // namespace reddiff
