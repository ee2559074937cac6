// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A network of a diffusion model as a prior. Its card says what it predicts and how it is told the level (diffusion_head.h); ranges,
// padding and learned variances (channels beyond the third, which are dropped) stay in here.
//
// Levels per pixel: such a network knows one for the picture, so per_pixel_sigma() is false and those who have a map tell the root of
// its mean square. That costs quality wherever the noise differs over the picture: the shipped networks, told one level instead of the
// map, lose 4 to 8 dB on noise that does (models/README.md).
#pragma once

#include "core/priors/denoiser.h"
#include "core/priors/diffusion_head.h"
#include "core/priors/level_network.h"
#include "core/weights/model_card.h"

namespace reddiff {

class DiffusionDenoiser final : public Denoiser, public DifferentiableDenoiser {
 public:
  // The range of levels is the card's; where it names none, the schedule's. `card.diffusion` must be set.
  DiffusionDenoiser(LevelNetworkPtr network, const ModelCard& card);

  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override;

  DenoisedWithGradient denoise_with_gradient(const at::Tensor& u, const at::Tensor& sigma,
                                             const Cotangent& cotangent) const override;
  const DifferentiableDenoiser* differentiable() const override { return network_->differentiable() ? this : nullptr; }

  double sigma_min() const override { return sigma_min_; }
  double sigma_max() const override { return sigma_max_; }
  bool per_pixel_sigma() const override { return false; }
  std::int64_t grid() const override { return network_->multiple_of(); }
  std::int64_t usual_side() const override { return card_.size; }
  std::int64_t largest_side() const override { return card_.fixed_size ? card_.size : 0; }
  at::Device device() const override { return network_->device(); }
  std::string description() const override { return name_ + " (" + network_->description() + ")"; }
  double flops(std::int64_t height, std::int64_t width) const override;

 private:
  // D; gradients to u are recorded if they are on, and nothing is changed in place then.
  at::Tensor estimate(const at::Tensor& u, const at::Tensor& sigma) const;
  std::int64_t padded(std::int64_t side) const;

  LevelNetworkPtr network_;
  std::string name_;
  DiffusionCard card_;
  double scale_;  // of the network's pictures: a difference of 1 here is one of `scale_` there
  double sigma_min_, sigma_max_;
  LevelWords words_;
};

}  // namespace reddiff
