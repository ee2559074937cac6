// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Bounds the memory of a prior: a Denoiser that shows another one overlapping tiles of the picture and blends what
// comes back. Only the prior is tiled; noise, operator, optimiser and motion see the whole frame. A picture that fits
// into one tile goes straight through. Tiles begin at multiples of 16 and of the prior's own grid, so far from its
// border a tile's result is the whole picture's.
//
// Note [Tile borders]: a network's output near a tile's border is wrong, because it misses what lies beyond. So the
// outer third of an overlap has no weight at all and the rest is a linear ramp. The frame's own borders have full
// weight.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/priors/denoiser.h"

namespace reddiff {

// Whether this exception of LibTorch's or the standard library's says that memory ran out.
bool is_out_of_memory(const std::exception& error);

struct TileOptions {
  // Pixels a side, rounded up to the grid, at least four of its cells; 0: the prior's usual side, else by device. Never more than a prior
  // takes that takes one size only.
  std::int64_t size = 0;
  std::int64_t overlap = 0;  // pixels, rounded up to the grid, at most half a tile; 0: 48
};

class TiledDenoiser final : public Denoiser, public DifferentiableDenoiser {
 public:
  struct Span {
    std::int64_t begin, length;
  };

  TiledDenoiser(DenoiserPtr prior, const TileOptions& options);

  // As Denoiser; when memory runs out, once more with tiles half as wide (which then stay), then Error{out_of_memory}.
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override;

  // A picture of several tiles is seen twice, because the cotangent is a function of all of it: for D, and for the gradient. When memory
  // runs out: as denoise.
  DenoisedWithGradient denoise_with_gradient(const at::Tensor& u, const at::Tensor& sigma,
                                             const Cotangent& cotangent) const override;
  const DifferentiableDenoiser* differentiable() const override { return prior_->differentiable() ? this : nullptr; }

  double sigma_min() const override { return prior_->sigma_min(); }
  double sigma_max() const override { return prior_->sigma_max(); }
  std::int64_t grid() const override { return prior_->grid(); }
  std::int64_t usual_side() const override { return prior_->usual_side(); }
  std::int64_t largest_side() const override { return prior_->largest_side(); }
  bool per_pixel_sigma() const override { return prior_->per_pixel_sigma(); }
  std::vector<std::string> kinds() const override { return prior_->kinds(); }
  // Tiles that were halved for one kind are halved for all.
  const Denoiser* for_kind(std::string_view kind) const override;
  at::Device device() const override { return prior_->device(); }
  std::string description() const override { return prior_->description(); }
  double flops(std::int64_t height, std::int64_t width) const override;

  std::int64_t tiles(std::int64_t height, std::int64_t width) const;  // calls of the prior per picture
  std::int64_t tiles_halved() const { return memory_->halved; }       // 0 or 1

 private:
  struct Memory {  // what was learnt of it
    std::atomic<std::int64_t> size, halved = 0;
  };

  TiledDenoiser(const TiledDenoiser& other, DenoiserPtr prior)
      : prior_(std::move(prior)), grid_(other.grid_), overlap_(other.overlap_), memory_(other.memory_) {}

  std::int64_t round_up(std::int64_t value) const { return (value + grid_ - 1) / grid_ * grid_; }
  std::int64_t smallest_tile() const;
  std::int64_t overlap_of(std::int64_t size) const;
  std::vector<Span> spans(std::int64_t length, std::int64_t tile, std::int64_t overlap) const;
  // call(size) with tiles of this size, and with smaller ones when memory runs out.
  template <typename Call> auto with_memory(const at::Tensor& u, const Call& call) const
      -> decltype(call(std::int64_t{}));
  at::Tensor denoise_tiles(const at::Tensor& u, const at::Tensor& sigma, std::int64_t size) const;
  DenoisedWithGradient gradient_of_tiles(const at::Tensor& u, const at::Tensor& sigma, const Cotangent& cotangent,
                                         std::int64_t size) const;

  // visit(cut, weight) for every tile: cut(t) is its part of a tensor of the picture's size, weight its share in the blend there.
  template <typename Visit> void each_tile(const at::Tensor& u, std::int64_t size, const Visit& visit) const;

  DenoiserPtr prior_;
  std::int64_t grid_, overlap_;
  std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
  std::map<std::string, std::unique_ptr<const TiledDenoiser>, std::less<>> others_;  // by kind
};

}  // namespace reddiff
