// SPDX-License-Identifier: LGPL-2.1-or-later
//
// DDRM, denoising diffusion restoration (arXiv 2201.11793, equations 7 and 8): a sampler that treats each singular vector of H (
// operators/spectrum.h) by what was measured of it. With l its singular value, m its part of y over l, sigma = sigma_y/l the noise of that,
// x0 its part of D(u, s) and n fresh noise, its part of u goes from level s to s':
//
//   l = 0           x0 + sqrt(1 - eta^2) s' (u - x0)/s + eta s' n
//   s' < sigma      x0 + sqrt(1 - eta^2) s' (m - x0)/sigma + eta s' n
//   s' >= sigma     m + sqrt(s'^2 - sigma^2) n        (eta_b = 1)
//
// The first u is the start with noise, but m with what noise it lacks where the first level is above its own.
#pragma once

#include "core/solvers/solver.h"

namespace reddiff {

class Ddrm final : public Solver {
 public:
  Ddrm(const DdrmOptions& options, std::uint64_t seed) : options_(options), seed_(seed) {}
  Needs needs() const override { return {.linear = true, .spectrum = true}; }
  Solution solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                 Trace& trace) const override;

 private:
  DdrmOptions options_;
  std::uint64_t seed_;
};

}  // namespace reddiff
