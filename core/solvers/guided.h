// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Diffusion samplers that are led to the measurement by a gradient through the prior: at every level a call of the prior and its
// vector-Jacobian product, J = dD(u, s)/du. They are RED-Diff's rivals (section 4 of arXiv 2305.04391) and draw samples, where RED-Diff
// and hqs look for a mean. sampling.h has the step from one level to the next.
//
// Dps, diffusion posterior sampling (arXiv 2209.14687, algorithm 1): an ancestral step, then along the gradient of the misfit's norm, one
// norm for each image of a batch:
//
//   u' <- u' - zeta sqrt(N/N_256) sqrt((1 + s^2)(1 + s'^2)) grad_u |H(D(u, s)) - y|_w
//
// The roots of 1 + s^2 are what published steps in x_t = u/sqrt(1 + s^2) are here. N/N_256, the values of the image over those of 256x256
// pixels, is not published: the norm grows with the root of the image, and without it one zeta would do the less the larger the frame is.
//
// PiGdm, pseudo-inverse guidance (Song et al., ICLR 2023, algorithm 1): with r^2 = s^2/(1 + s^2), the variance of x given u where pictures
// have variance one,
//
//   g = J^T H^T (H H^T + sigma_y^2/r^2)^-1 (y - H D(u, s)),   u' <- u' + g
//
// As published in x_t it would be u' + sqrt(1 + s'^2) g, which falls by decibels with every step that is added; and no g shrinks with the
// step, so that under noise many steps end at the measurement instead of the mean: 10 to 20 are its range (DECISIONS.md). Where H is not
// linear, H^+ y - H^+ H(D) stands for the product of inverse and misfit, as the authors do for JPEG.
#pragma once

#include "core/solvers/solver.h"

namespace reddiff {

class Dps final : public Solver {
 public:
  Dps(const DpsOptions& options, std::uint64_t seed) : options_(options), seed_(seed) {}
  Needs needs() const override { return {.prior_gradient = true}; }
  Solution solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                 Trace& trace) const override;

 private:
  DpsOptions options_;
  std::uint64_t seed_;
};

class PiGdm final : public Solver {
 public:
  PiGdm(const PiGdmOptions& options, std::uint64_t seed) : options_(options), seed_(seed) {}
  Needs needs() const override { return {.prior_gradient = true}; }
  Solution solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                 Trace& trace) const override;

 private:
  PiGdmOptions options_;
  std::uint64_t seed_;
};

}  // namespace reddiff
