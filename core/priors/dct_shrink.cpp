// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/dct_shrink.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/api/abort.h"

namespace reddiff {
namespace {

// Everything runs on the four 2x2 phases of the picture ("cells"): a patch at an even place is 4x4 cells, so gathering
// and adding patches moves whole rows, and the transform of all patches is one matrix product.
constexpr std::int64_t patch = 8, stride = 2, cells = patch / stride, phases = stride * stride, taps = patch * patch;
constexpr std::int64_t border = patch - stride;  // so that every pixel lies in the same number of patches
constexpr double threshold = 2.7;
constexpr double lowest_sigma = 0.001, highest_sigma = 5;

// Coefficients of a patch are 256 bytes; a band of this many patches bounds the memory.
constexpr std::int64_t patches_per_band_cpu = 1 << 15, patches_per_band_gpu = 1 << 19;

// [64 coefficients, 64 taps]; DC first; taps in the order (row phase, column phase, row cell, column cell).
at::Tensor dct_basis() {
  const at::Tensor basis = at::empty({taps, taps}, at::kDouble);
  auto values = basis.accessor<double, 2>();
  const auto wave = [](std::int64_t frequency, std::int64_t place) {
    const double scale = std::sqrt((frequency == 0 ? 1.0 : 2.0) / patch);
    return scale * std::cos(std::numbers::pi * static_cast<double>((2 * place + 1) * frequency) / (2.0 * patch));
  };
  for (std::int64_t coefficient = 0; coefficient < taps; ++coefficient)
    for (std::int64_t y = 0; y < patch; ++y)
      for (std::int64_t x = 0; x < patch; ++x) {
        const std::int64_t phase = y % stride * stride + x % stride, cell = y / stride * cells + x / stride;
        values[coefficient][phase * cells * cells + cell] = wave(coefficient / patch, y) * wave(coefficient % patch, x);
      }
  return basis.to(at::kFloat);
}

// Orthonormal: brightness, red against blue, green against both.
at::Tensor opponent_colours() {
  const double a = 1 / std::sqrt(3.0), b = 1 / std::sqrt(2.0), c = 1 / std::sqrt(6.0);
  return at::tensor({a, a, a, b, 0.0, -b, c, -2 * c, c}, at::kDouble).view({3, 3}).to(at::kFloat);
}

class DctShrink final : public Denoiser {
 public:
  explicit DctShrink(at::Device device)
      : device_(device), basis_(dct_basis().to(device)), colours_(opponent_colours().to(device)) {}

  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override {
    TORCH_CHECK(u.dim() == 4 && u.size(1) == 3 && u.scalar_type() == at::kFloat,
                "denoise: u must be [N,3,H,W] float32");
    TORCH_CHECK(sigma.dim() == 4 && sigma.size(1) == 1, "denoise: sigma must be [N,1,1,1] or [N,1,H,W]");
    const c10::NoGradGuard no_grad;
    const at::Tensor levels = sigma.to(device_, at::kFloat).clamp(lowest_sigma, highest_sigma);
    std::vector<at::Tensor> results;
    for (std::int64_t i = 0; i < u.size(0); ++i)
      results.push_back(one_picture(u[i], levels[levels.size(0) == 1 ? 0 : i]));
    return at::stack(results);
  }

  double sigma_min() const override { return lowest_sigma; }
  double sigma_max() const override { return highest_sigma; }
  bool per_pixel_sigma() const override { return true; }
  at::Device device() const override { return device_; }
  std::string description() const override { return "dct (8x8 DCT at every second pixel, hard threshold)"; }

  double flops(std::int64_t height, std::int64_t width) const override {
    return 2.0 * 2.0 * taps * taps * 3 / phases * static_cast<double>(height) * static_cast<double>(width);
  }

 private:
  // [3,H,W], sigma [1,1,1] or [1,H,W] -> [3,H,W]
  at::Tensor one_picture(const at::Tensor& u, const at::Tensor& sigma) const {
    const std::int64_t height = u.size(1), width = u.size(2);
    const std::vector<std::int64_t> padding = {border, border + width % 2, border, border + height % 2};
    const at::Tensor opponent = at::matmul(colours_, u.reshape({3, -1})).view({1, 3, height, width});
    const at::Tensor padded = at::replication_pad2d(opponent, padding);
    const std::int64_t rows = padded.size(2) / stride, columns = padded.size(3) / stride;
    const at::Tensor split =
        padded.view({3, rows, stride, columns, stride}).permute({2, 4, 0, 1, 3}).reshape({phases, 3, rows, columns});
    at::Tensor variance = sigma.square().unsqueeze(0);
    if (variance.numel() != 1)
      variance = at::avg_pool2d(at::replication_pad2d(variance, padding), patch, stride).view({rows - cells + 1, -1});

    at::Tensor sum = at::zeros_like(split), weight = at::zeros_like(split[0]);
    const std::int64_t patch_rows = rows - cells + 1, patch_columns = columns - cells + 1;
    const std::int64_t budget = device_.is_cpu() ? patches_per_band_cpu : patches_per_band_gpu;
    const std::int64_t band = std::max<std::int64_t>(budget / (3 * patch_columns), 1);
    for (std::int64_t first = 0; first < patch_rows; first += band) {
      throw_if_aborted();
      const std::int64_t count = std::min(band, patch_rows - first);
      const at::Tensor part = variance.numel() == 1 ? variance.view({1, 1}) : variance.narrow(0, first, count);
      at::Tensor sum_part = sum.narrow(2, first, count + cells - 1),
                 weight_part = weight.narrow(1, first, count + cells - 1);
      shrink_band(split.narrow(2, first, count + cells - 1), part, sum_part, weight_part);
    }
    const at::Tensor mean = sum.div_(weight)
                                .view({stride, stride, 3, rows, columns})
                                .permute({2, 3, 0, 4, 1})
                                .reshape({3, rows * stride, columns * stride});
    const at::Tensor inside = mean.narrow(1, border, height).narrow(2, border, width);
    return at::matmul(colours_.t(), inside.reshape({3, -1})).view({3, height, width});
  }

  // split: [4,3,h,w] cells; variance: [1,1] or a value per patch; adds to sum [4,3,h,w] and weight [3,h,w].
  void shrink_band(const at::Tensor& split, const at::Tensor& variance, at::Tensor& sum, at::Tensor& weight) const {
    const at::Tensor windows = split.unfold(2, cells, 1).unfold(3, cells, 1).permute({0, 4, 5, 1, 2, 3});
    const std::int64_t h = windows.size(4), w = windows.size(5);
    const at::Tensor deviation = variance.sqrt();
    at::Tensor coefficients = at::mm(basis_, windows.reshape({taps, 3 * h * w})).view({taps, 3, h, w});
    coefficients.div_(deviation);
    const at::Tensor mean = coefficients[0].clone();
    coefficients = at::hardshrink(coefficients, threshold);
    coefficients[0].copy_(mean);
    const at::Tensor kept = at::count_nonzero(coefficients, at::IntArrayRef({0})).clamp_min_(1);
    const at::Tensor weights = (kept.to(at::kFloat) * variance).reciprocal_();
    coefficients.mul_(weights * deviation);
    const at::Tensor estimates =
        at::mm(basis_.t(), coefficients.view({taps, 3 * h * w})).view({phases, cells, cells, 3, h, w});
    for (std::int64_t i = 0; i < cells; ++i)
      for (std::int64_t j = 0; j < cells; ++j) {
        sum.narrow(2, i, h).narrow(3, j, w).add_(estimates.select(1, i).select(1, j));
        weight.narrow(1, i, h).narrow(2, j, w).add_(weights);
      }
  }

  at::Device device_;
  at::Tensor basis_, colours_;
};

}  // namespace

DenoiserPtr make_dct_shrink(at::Device device) { return std::make_shared<DctShrink>(device); }

}  // namespace reddiff
