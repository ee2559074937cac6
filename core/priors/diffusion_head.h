// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How the networks of diffusion models speak of noise. Every one of them is D(u, s) = skip u + out F(in u, level) with three numbers
// and a level that depend on s alone; `u` is a picture with noise of deviation s, both in the unit of the network's pictures. With
// abar = 1 / (1 + s^2), that is s^2 = (1 - abar) / abar, and x_t = sqrt(abar) u:
//   eps:       D = u - s F(x_t)
//   x0:        D = F(x_t)
//   v:         D = sqrt(abar) x_t - sqrt(1 - abar) F(x_t)
//   edm:       section 5 of arXiv 2206.00364, with the deviation sigma_data of clean pictures
//   denoiser:  D = F(u)
#pragma once

#include <ATen/core/Tensor.h>

#include "core/weights/diffusion_card.h"

namespace reddiff {

struct Coefficients {
  at::Tensor in, skip, out;  // of the shape of s
};

// Of the table of heads; computed on the device of s.
Coefficients coefficients_of(const DiffusionCard& card, const at::Tensor& s);

// [steps], float64 on the CPU: the deviations s of a schedule, rising, at most a million.
at::Tensor deviations_of(const DiffusionCard& card);

// What the network is told of s. A step is found between those of the schedule by interpolation in the logarithm of s.
class LevelWords {
 public:
  LevelWords(const DiffusionCard& card, at::Device device);

  at::Tensor operator()(const at::Tensor& s) const;  // float32, of the shape of s

 private:
  LevelInput input_;
  at::Tensor log_deviations_;  // float32
};

}  // namespace reddiff
