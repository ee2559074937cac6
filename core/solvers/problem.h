// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What every solver is given and gives back: a measurement y = H(x) + n with what is known of n, and where the mean starts.
#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>
#include <vector>

#include "core/api/error_kinds.h"
#include "core/frame/likelihood.h"
#include "core/operators/operator.h"

namespace reddiff {

struct Problem {
  OperatorPtr op;
  at::Tensor y;                               // [N,c,h,w]
  at::Tensor weights;                         // [N,1,h,w], 1 measured, 0 missing; undefined: all measured
  LikelihoodPtr likelihood;                   // of y
  std::string_view kind = error_kind::white;  // of the noise: which of the prior's kinds (Denoiser::for_kind) is asked

  double sigma_y() const { return likelihood->sigma_y(); }

  // y as a data term of white noise sees it, if the picture is x: H(x) is looked at where the likelihood asks for it.
  at::Tensor expected_y(const at::Tensor& x) const {
    return likelihood->expected_y(y, [&] { return op->forward(x); });
  }

  // w (H(x) - y) of seen = H(x): zero where nothing was measured, whatever stands there.
  at::Tensor residual(const at::Tensor& seen) const {
    const auto difference = seen.sub(likelihood->expected_y(y, [&] { return seen; }));
    return weights.defined() ? difference.mul(weights) : difference;
  }
};

struct Start {
  at::Tensor mu;  // [N,3,H,W]
  // [N,1,H,W], the first step's level of each pixel; undefined: the schedule's. Below that a pixel stays in proportion to the
  // schedule; one that starts above it reaches the same end, evenly in the logarithm of the level.
  at::Tensor level;
  // mu is y, noise and all: what the first step makes of it has the mean of noisy values (Likelihood::debias).
  bool measured = false;
};

struct Solution {
  at::Tensor mu;               // [N,3,H,W]
  std::vector<double> levels;  // that were visited, in order
};

}  // namespace reddiff
