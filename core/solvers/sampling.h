// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the solvers that draw a sample of the posterior share. A sample u = x + s n goes down a schedule of levels s; from one level to the
// next, s' < s (0 after the last), its noise is in part the old one and in part fresh (DDIM, arXiv 2010.02502, equation 12, divided by
// sqrt(alpha) as everything here):
//
//   u' = x0 + sqrt(s'^2 - c^2) (u - x0)/s + c n,   c = eta s' sqrt(1 - s'^2/s^2),   x0 an estimate of x
//
// eta = 1 is the ancestral step of DDPM, eta = 0 adds nothing. Levels are those of the whole picture: a level per pixel of the start is not
// looked at.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/solvers/problem.h"

namespace reddiff {

class Sampling {
 public:
  // levels: falling, not empty. The fields of noise are functions of the seed and the step (rng.h).
  Sampling(std::vector<double> levels, std::uint64_t seed) : levels_(std::move(levels)), seed_(seed) {}

  int steps() const { return static_cast<int>(levels_.size()); }
  const std::vector<double>& levels() const { return levels_; }
  double level(int step) const { return levels_[step]; }
  double next_level(int step) const { return step + 1 < steps() ? levels_[step + 1] : 0; }
  // As the prior is asked: [1,1,1,1].
  at::Tensor sigma(int step, const at::Tensor& like) const;

  // mu + s n at the first level.
  at::Tensor first(const at::Tensor& mu) const;
  // n of a step, [1,3,H,W].
  at::Tensor fresh(int step, const at::Tensor& like) const;
  // u' of a step.
  at::Tensor next(int step, const at::Tensor& u, const at::Tensor& x0, double eta) const;

 private:
  std::vector<double> levels_;
  std::uint64_t seed_;
};

}  // namespace reddiff
