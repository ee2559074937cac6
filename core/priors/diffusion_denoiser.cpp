// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/diffusion_denoiser.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "core/api/error.h"
#include "core/priors/gradient.h"
#include "core/priors/pixel_shuffle.h"

namespace reddiff {

DiffusionDenoiser::DiffusionDenoiser(LevelNetworkPtr network, const ModelCard& card)
    : network_(std::move(network)),
      name_(card.name),
      card_(*card.diffusion),
      scale_((card_.range_high - card_.range_low) / 2),
      sigma_min_(card.sigma_min),
      sigma_max_(card.sigma_max),
      words_(card_, network_->device()) {
  if (card_.level != LevelInput::step) return;
  const at::Tensor known = deviations_of(card_) / scale_;
  const double low = known[0].item<double>(), high = known[-1].item<double>();
  if (sigma_max_ == 0) sigma_min_ = low, sigma_max_ = high;
  if (sigma_min_ < 0.999 * low || sigma_max_ > 1.001 * high)
    throw Error(ErrorCode::wrong_model, "The model card of '" + name_ + "' names noise levels beyond its schedule's, " +
                                            std::to_string(low) + " to " + std::to_string(high) +
                                            "; leave 'sigma' out to have those.");
}

std::int64_t DiffusionDenoiser::padded(std::int64_t side) const {
  const std::int64_t m = network_->multiple_of();
  return card_.fixed_size ? card_.size : (side + m - 1) / m * m;
}

at::Tensor DiffusionDenoiser::denoise(const at::Tensor& u, const at::Tensor& sigma) const {
  const c10::NoGradGuard no_grad;
  return estimate(u, sigma);
}

DenoisedWithGradient DiffusionDenoiser::denoise_with_gradient(const at::Tensor& u, const at::Tensor& sigma,
                                                              const Cotangent& cotangent) const {
  return through_autograd(
      u, [&](const at::Tensor& input) { return estimate(input, sigma); }, cotangent);
}

at::Tensor DiffusionDenoiser::estimate(const at::Tensor& u, const at::Tensor& sigma) const {
  TORCH_CHECK(u.dim() == 4 && u.size(1) == 3 && u.scalar_type() == at::kFloat, "denoise: u must be [N,3,H,W] float32");
  TORCH_CHECK(sigma.dim() == 4 && sigma.size(1) == 1 && sigma.size(2) == 1 && sigma.size(3) == 1,
              "denoise: this model knows one noise level per picture only");
  const std::int64_t height = u.size(2), width = u.size(3), images = u.size(0);
  TORCH_CHECK(!card_.fixed_size || (height <= card_.size && width <= card_.size),
              "denoise: this model takes one size of picture only, and this one is larger");
  const at::Tensor x = mirrored(mirrored(u, 2, padded(height)), 3, padded(width));
  const at::Tensor s = sigma.to(device(), at::kFloat).clamp(sigma_min_, sigma_max_).expand({images, 1, 1, 1}) * scale_;
  const at::Tensor own = (x + 1) * scale_ + card_.range_low;
  const Coefficients c = coefficients_of(card_, s);
  const at::Tensor f = network_->forward((own * c.in).contiguous(), words_(s.flatten())).narrow(1, 0, 3).to(at::kFloat);
  const at::Tensor clean = ((own * c.skip + f * c.out) - card_.range_low) / scale_ - 1;
  return clean.narrow(2, 0, height).narrow(3, 0, width).contiguous();
}

double DiffusionDenoiser::flops(std::int64_t height, std::int64_t width) const {
  return network_->flops(padded(height), padded(width));
}

}  // namespace reddiff
