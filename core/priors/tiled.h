// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Bounds the memory of a prior: a Denoiser that shows another one overlapping tiles of the picture and blends what
// comes back. Only the prior is tiled; noise, operator, optimiser and motion see the whole frame. A picture that fits
// into one tile goes straight through. Tiles begin at multiples of 16, as the network's own grid does, so far from its
// border a tile's result is the whole picture's.
//
// Note [Tile borders]: a network's output near a tile's border is wrong, because it misses what lies beyond. So the
// outer third of an overlap has no weight at all and the rest is a linear ramp. The frame's own borders have full
// weight.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>

#include "core/priors/denoiser.h"

namespace reddiff {

// Whether this exception of LibTorch's or the standard library's says that memory ran out.
bool is_out_of_memory(const std::exception& error);

struct TileOptions {
  std::int64_t size = 0;     // pixels a side, rounded up to a multiple of 16, at least 64; 0: by device
  std::int64_t overlap = 0;  // pixels, rounded up to a multiple of 16, at most half a tile; 0: 48
};

class TiledDenoiser final : public Denoiser {
 public:
  TiledDenoiser(DenoiserPtr prior, const TileOptions& options);

  // As Denoiser; when memory runs out, once more with tiles half as wide (which then stay), then Error{out_of_memory}.
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override;

  double sigma_min() const override { return prior_->sigma_min(); }
  double sigma_max() const override { return prior_->sigma_max(); }
  bool per_pixel_sigma() const override { return prior_->per_pixel_sigma(); }
  at::Device device() const override { return prior_->device(); }
  std::string description() const override { return prior_->description(); }
  double flops(std::int64_t height, std::int64_t width) const override;

  std::int64_t tiles(std::int64_t height, std::int64_t width) const;  // calls of the prior per picture
  std::int64_t tiles_halved() const { return halved_; }               // 0 or 1

 private:
  std::int64_t overlap_of(std::int64_t size) const;
  at::Tensor denoise_tiles(const at::Tensor& u, const at::Tensor& sigma, std::int64_t size) const;

  DenoiserPtr prior_;
  std::int64_t overlap_;
  mutable std::atomic<std::int64_t> size_;
  mutable std::atomic<std::int64_t> halved_ = 0;
};

}  // namespace reddiff
