// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Priors with known answers.
#pragma once

#include <ATen/ATen.h>

#include "core/priors/denoiser.h"

namespace reddiff::testing {

// x ~ N(mean, variance) independently per value: D(u, s) = (variance u + s^2 mean) / (variance + s^2), the exact posterior mean.
class GaussianPrior : public Denoiser, public DifferentiableDenoiser {
 public:
  GaussianPrior(double mean, double variance) : mean_(mean), variance_(variance) {}
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override {
    ++calls;
    const auto s2 = sigma.clamp(sigma_min(), sigma_max()).square();
    return (u * variance_ + s2 * mean_) / (s2 + variance_);
  }
  // J = variance / (variance + s^2).
  DenoisedWithGradient denoise_with_gradient(const at::Tensor& u, const at::Tensor& sigma,
                                             const Cotangent& cotangent) const override {
    const auto denoised = denoise(u, sigma);
    const auto s2 = sigma.clamp(sigma_min(), sigma_max()).square();
    return {denoised, cotangent(denoised) * (variance_ / (s2 + variance_))};
  }
  const DifferentiableDenoiser* differentiable() const override { return this; }
  double sigma_min() const override { return 0.003; }
  double sigma_max() const override { return 5; }
  bool per_pixel_sigma() const override { return true; }
  at::Device device() const override { return at::kCPU; }
  std::string description() const override { return "Gaussian"; }

  mutable int calls = 0;

 private:
  double mean_, variance_;
};

}  // namespace reddiff::testing
