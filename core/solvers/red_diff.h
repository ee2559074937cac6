// SPDX-License-Identifier: LGPL-2.1-or-later
//
// RED-Diff (arXiv 2305.04391, section 4): restoring a picture x from y = H(x) + sv n becomes stochastic optimisation of the mean
// mu of a Gaussian, with a denoiser at many noise levels as regulariser. For every level s, one call of the prior D:
//
//   u = mu + s eps,  eps ~ N(0, I)
//   G = lambda g(s) (mu - D(u, s)) / s  +  v (N/m) J_H(mu)^T W (H(mu) - y)
//   mu <- optimiser(mu, G)
//
// (mu - D(u,s))/s is the paper's eps_hat - eps. N = values and m = measurements per image, W = 0/1 weights of measurement rows.
// G belongs to one image: nothing depends on how many images are in the batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/api/config.h"
#include "core/api/restorer.h"
#include "core/frame/clipped_noise.h"
#include "core/operators/operator.h"
#include "core/priors/denoiser.h"
#include "core/solvers/optimizer.h"

namespace reddiff {

struct Problem {
  OperatorPtr op;
  at::Tensor y;        // [N,c,h,w]
  at::Tensor weights;  // [N,1,h,w], 1 measured, 0 missing; undefined: all measured
  double noise = 0;    // sv > 0, core units
  Clipping clipping;   // what the limits of code values did to the noise
};

// y, or what is expected to have been there before it was clipped, if the picture is seen through H as hx.
at::Tensor rows(const Problem& problem, const at::Tensor& hx);

struct Start {
  at::Tensor mu;  // [N,3,H,W]
  // [N,1,H,W], the first step's level of each pixel; undefined: the schedule's. Below that a pixel stays in proportion to the
  // schedule; one that starts above it reaches the same end, evenly in the logarithm of the level.
  at::Tensor level;
  // mu is y, noise and all: where its noise was clipped, what the first step finds is the mean of clipped values.
  bool measured = false;
};

struct Solution {
  at::Tensor mu;               // [N,3,H,W]
  std::vector<double> levels;  // that were visited, in order
};

// Throws Error{aborted} once *abort is set: before a call of the prior, and where prior and operator ask (core/api/abort.h);
// Error{settings} when the configuration needs what the problem has not (fixed-point: a linear operator; Renoise::measurement: no
// missing rows).
// `times` (may be null) is added to.
Solution red_diff(const Denoiser& prior, const Problem& problem, const SolverConfig& config, MeanOptimizer& optimizer,
                  const Start& start, std::uint64_t seed, const std::atomic<bool>* abort, StageTimes* times);

}  // namespace reddiff
