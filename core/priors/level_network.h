// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A network that others have trained, as it is: F(x, level) in its own range, with its own words for the noise level. What D(u, sigma)
// is in these terms says diffusion_denoiser.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

namespace reddiff {

class LevelNetwork {
 public:
  virtual ~LevelNetwork() = default;

  // x: [N,3,H,W] float32, sides multiples of multiple_of(); level: [N] float32. Returns [N,3,H,W] or [N,6,H,W], of any type.
  // Gradients are recorded, if they are on. Throws reddiff::Error; asks throw_if_aborted() between its layers.
  virtual at::Tensor forward(const at::Tensor& x, const at::Tensor& level) const = 0;

  // Whether gradients can be sent back through it.
  virtual bool differentiable() const { return true; }
  virtual std::int64_t multiple_of() const = 0;
  virtual at::Device device() const = 0;
  virtual std::string description() const = 0;
  virtual double flops(std::int64_t height, std::int64_t width) const {
    (void)height, (void)width;
    return 0;
  }
};

using LevelNetworkPtr = std::shared_ptr<const LevelNetwork>;

}  // namespace reddiff
