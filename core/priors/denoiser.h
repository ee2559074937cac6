// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A prior is a denoiser D(u, sigma) ~ E[x | x + sigma n = u] (section 2 of arXiv 2305.04391 writes it as the noise predictor
// eps_hat; the two are related by eps_hat - eps = (mu - D(mu + s eps, s)) / s). Parametrisations, value ranges, padding and
// precision are the business of the implementation: here everything is RGB in [-1,1] and noise levels have the same unit.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/error_kinds.h"

namespace reddiff {

struct DenoisedWithGradient {
  at::Tensor denoised;  // D(u, sigma)
  at::Tensor gradient;  // J_D(u)^T v, of the shape of u
};

// v of D(u, sigma), of its shape: the gradient in D of what is to be differentiated in u.
using Cotangent = std::function<at::Tensor(const at::Tensor& denoised)>;

// The optional face of a prior through which a gradient can be sent back, for solvers that guide samples (core/solvers/guided.h).
class DifferentiableDenoiser {
 public:
  virtual ~DifferentiableDenoiser() = default;

  // u, sigma and what is thrown: as Denoiser::denoise. Takes the time of about three calls and keeps what every layer has written until
  // it returns.
  virtual DenoisedWithGradient denoise_with_gradient(const at::Tensor& u, const at::Tensor& sigma,
                                                     const Cotangent& cotangent) const = 0;
};

class Denoiser {
 public:
  virtual ~Denoiser() = default;

  // u: [N,3,H,W], float32, any H and W from 1 on. sigma: [N,1,1,1], [1,1,1,1] or [N,1,H,W]; clamped to
  // [sigma_min, sigma_max] here. Returns [N,3,H,W], float32. No gradient is recorded. Throws reddiff::Error.
  // What takes longer than a layer of a network asks throw_if_aborted() on its way (core/api/abort.h).
  virtual at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const = 0;

  virtual double sigma_min() const = 0;
  virtual double sigma_max() const = 0;
  virtual bool per_pixel_sigma() const = 0;
  // Pixels a side of its coarsest cell: of a picture cut at multiples of this, inner pixels come out as of the whole picture.
  virtual std::int64_t grid() const { return 1; }
  // Pixels a side of the pictures it was trained on, and the most that it takes; 0: any.
  virtual std::int64_t usual_side() const { return 0; }
  virtual std::int64_t largest_side() const { return 0; }
  virtual at::Device device() const = 0;
  // Optional face; nullptr where the prior has none.
  virtual const DifferentiableDenoiser* differentiable() const { return nullptr; }
  // The kinds of error it knows, white first.
  virtual std::vector<std::string> kinds() const { return {std::string(error_kind::white)}; }
  // The same prior for that kind, nullptr where it knows none of that name. It lives as long as this one.
  virtual const Denoiser* for_kind(std::string_view kind) const { return kind == error_kind::white ? this : nullptr; }
  virtual std::string description() const = 0;

  // Floating-point operations of one call on one picture of this size; 0 if unknown. For tests/bench.
  virtual double flops(std::int64_t height, std::int64_t width) const {
    (void)height, (void)width;
    return 0;
  }
};

using DenoiserPtr = std::shared_ptr<const Denoiser>;

}  // namespace reddiff
