// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/tiled.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <new>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

#include "core/api/abort.h"
#include "core/api/error.h"

namespace reddiff {
namespace {

constexpr std::int64_t least_grid = 16, default_overlap = 48;
constexpr std::int64_t cpu_tile = 768, gpu_tile = 2048;

// [length]: 0 on the outer third of the overlap, then a ramp to 1; 1 towards a border of the picture.
at::Tensor window(const TiledDenoiser::Span& span, std::int64_t length, std::int64_t overlap,
                  const at::TensorOptions& options) {
  const std::int64_t dead = overlap / 3, ramp = overlap - 2 * dead;
  const at::Tensor place = at::arange(span.length, options) + 0.5;
  at::Tensor weight = at::ones({span.length}, options);
  if (span.begin > 0) weight = at::minimum(weight, ((place - dead) / ramp).clamp_(0, 1));
  if (span.begin + span.length < length)
    weight = at::minimum(weight, ((span.length - dead - place) / ramp).clamp_(0, 1));
  return weight;
}

}  // namespace

// The CPU allocator and oneDNN have no exception type of their own for this.
bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) || dynamic_cast<const std::bad_alloc*>(&error)) return true;
  const std::string_view text = error.what();
  return text.find("can't allocate memory") != text.npos || text.find("not enough memory") != text.npos ||
         text.find("could not create a memory object") != text.npos ||
         text.find("could not create a primitive") != text.npos;
}

TiledDenoiser::TiledDenoiser(DenoiserPtr prior, const TileOptions& options)
    : prior_(std::move(prior)), grid_(std::lcm(least_grid, prior_->grid())) {
  const std::int64_t usual = prior_->usual_side() > 0    ? prior_->usual_side()
                             : prior_->device().is_cpu() ? cpu_tile
                                                         : gpu_tile;
  const std::int64_t size = std::max(round_up(options.size > 0 ? options.size : usual), smallest_tile());
  memory_->size = prior_->largest_side() > 0 ? std::min(size, prior_->largest_side()) : size;
  overlap_ = round_up(options.overlap > 0 ? options.overlap : default_overlap);
  for (const std::string& kind : prior_->kinds())
    if (const Denoiser* other = prior_->for_kind(kind); other && other != prior_.get())
      others_[kind].reset(new TiledDenoiser(*this, DenoiserPtr(prior_, other)));
}

const Denoiser* TiledDenoiser::for_kind(std::string_view kind) const {
  if (const auto found = others_.find(kind); found != others_.end()) return found->second.get();
  return prior_->for_kind(kind) == prior_.get() ? this : nullptr;
}

// One that takes one size is shown all of it: smaller tiles save nothing, and see less.
std::int64_t TiledDenoiser::smallest_tile() const {
  return prior_->largest_side() > 0 ? prior_->largest_side() : 4 * grid_;
}

std::int64_t TiledDenoiser::overlap_of(std::int64_t size) const { return std::min(overlap_, size / 2 / grid_ * grid_); }

// Along one side. The last tile is moved back so that it ends at the picture's (padded) end.
std::vector<TiledDenoiser::Span> TiledDenoiser::spans(std::int64_t length, std::int64_t tile,
                                                      std::int64_t overlap) const {
  if (length <= tile) return {{0, length}};
  std::vector<Span> result;
  const std::int64_t last = round_up(length) - tile;
  for (std::int64_t begin = 0; begin < last; begin += tile - overlap) result.push_back({begin, tile});
  result.push_back({last, length - last});
  return result;
}

template <typename Call> auto TiledDenoiser::with_memory(const at::Tensor& u, const Call& call) const
    -> decltype(call(std::int64_t{})) {
  const std::int64_t size = memory_->size;
  try {
    return call(size);
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
  }
  const std::int64_t half = std::max(round_up(std::min(size, std::max(u.size(2), u.size(3))) / 2), smallest_tile());
  if (memory_->halved.exchange(1) == 0) {
    memory_->size = half;
    try {
      return call(half);
    } catch (const std::exception& error) {
      if (!is_out_of_memory(error)) throw;
    }
  }
  throw Error(ErrorCode::out_of_memory, "There is not enough memory for the prior, even with tiles of " +
                                            std::to_string(memory_->size) +
                                            " pixels; set a smaller tile-size, or give it a smaller picture.");
}

at::Tensor TiledDenoiser::denoise(const at::Tensor& u, const at::Tensor& sigma) const {
  return with_memory(u, [&](std::int64_t size) { return denoise_tiles(u, sigma, size); });
}

DenoisedWithGradient TiledDenoiser::denoise_with_gradient(const at::Tensor& u, const at::Tensor& sigma,
                                                          const Cotangent& cotangent) const {
  return with_memory(u, [&](std::int64_t size) { return gradient_of_tiles(u, sigma, cotangent, size); });
}

template <typename Visit>
void TiledDenoiser::each_tile(const at::Tensor& u, std::int64_t size, const Visit& visit) const {
  const std::int64_t height = u.size(2), width = u.size(3), overlap = overlap_of(size);
  for (const Span& rows : spans(height, size, overlap))
    for (const Span& columns : spans(width, size, overlap)) {
      throw_if_aborted();
      visit(
          [&](const at::Tensor& t) {
            return t.narrow(t.dim() - 2, rows.begin, rows.length).narrow(t.dim() - 1, columns.begin, columns.length);
          },
          window(rows, height, overlap, u.options()).unsqueeze(1) * window(columns, width, overlap, u.options()));
    }
}

at::Tensor TiledDenoiser::denoise_tiles(const at::Tensor& u, const at::Tensor& sigma, std::int64_t size) const {
  if (u.size(2) <= size && u.size(3) <= size) return prior_->denoise(u, sigma);
  const c10::NoGradGuard no_grad;
  at::Tensor sum = at::zeros_like(u, u.options(), at::MemoryFormat::Contiguous);
  at::Tensor total = at::zeros({u.size(2), u.size(3)}, u.options());
  const bool varies = sigma.size(2) > 1 || sigma.size(3) > 1;
  each_tile(u, size, [&](const auto& cut, const at::Tensor& weight) {
    cut(sum).addcmul_(prior_->denoise(cut(u), varies ? cut(sigma) : sigma), weight);
    cut(total).add_(weight);
  });
  return sum.div_(total);
}

DenoisedWithGradient TiledDenoiser::gradient_of_tiles(const at::Tensor& u, const at::Tensor& sigma,
                                                      const Cotangent& cotangent, std::int64_t size) const {
  const auto& prior = *prior_->differentiable();
  if (u.size(2) <= size && u.size(3) <= size) return prior.denoise_with_gradient(u, sigma, cotangent);
  const c10::NoGradGuard no_grad;
  const at::Tensor denoised = denoise_tiles(u, sigma, size);
  at::Tensor total = at::zeros({u.size(2), u.size(3)}, u.options());
  each_tile(u, size, [&](const auto& cut, const at::Tensor& weight) { cut(total).add_(weight); });
  const at::Tensor v = cotangent(denoised) / total;
  at::Tensor gradient = at::zeros_like(denoised);
  const bool varies = sigma.size(2) > 1 || sigma.size(3) > 1;
  each_tile(u, size, [&](const auto& cut, const at::Tensor& weight) {
    const auto share = [&](const at::Tensor&) { return cut(v) * weight; };
    cut(gradient).add_(prior.denoise_with_gradient(cut(u), varies ? cut(sigma) : sigma, share).gradient);
  });
  return {denoised, gradient};
}

std::int64_t TiledDenoiser::tiles(std::int64_t height, std::int64_t width) const {
  const std::int64_t size = memory_->size, overlap = overlap_of(size);
  return static_cast<std::int64_t>(spans(height, size, overlap).size() * spans(width, size, overlap).size());
}

double TiledDenoiser::flops(std::int64_t height, std::int64_t width) const {
  const std::int64_t size = memory_->size, overlap = overlap_of(size);
  double sum = 0;
  for (const Span& rows : spans(height, size, overlap))
    for (const Span& columns : spans(width, size, overlap)) sum += prior_->flops(rows.length, columns.length);
  return sum;
}

}  // namespace reddiff
