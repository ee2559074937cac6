// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/operators/blur_pass.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/frame/exact_convolution.h"
#include "core/frame/fast_size.h"
#include "core/operators/axis_matrix.h"

namespace reddiff {
namespace {

// A stretch of the extended axis: `length` samples from `at` (in samples of the extended axis) are a copy of the picture's from
// `source`, in reverse if `mirrored`.
struct Stretch {
  std::int64_t at, source, length;
  bool mirrored;
};

std::vector<Stretch> symmetric_extension(std::int64_t n, std::int64_t pad) {
  std::vector<Stretch> stretches;
  for (std::int64_t start = -pad; start < n + pad;) {
    const std::int64_t copy = start >= 0 ? start / n : -((n - 1 - start) / n);  // floor
    const std::int64_t end = std::min((copy + 1) * n, n + pad);
    const bool mirrored = copy % 2 != 0;
    stretches.push_back({start + pad, mirrored ? (copy + 1) * n - end : start - copy * n, end - start, mirrored});
    start = end;
  }
  return stretches;
}

at::Tensor extend(const at::Tensor& x, std::int64_t dim, std::int64_t pad) {
  if (pad == 0) return x;
  std::vector<at::Tensor> parts;
  for (const auto& s : symmetric_extension(x.size(dim), pad)) {
    const at::Tensor part = x.narrow(dim, s.source, s.length);
    parts.push_back(s.mirrored ? part.flip(dim) : part);
  }
  return at::cat(parts, dim);
}

// The adjoint of extend: every sample returns to where it was copied from. Slices in a fixed order, because the order of a
// scattered sum is not defined on a GPU.
at::Tensor fold(const at::Tensor& extended, std::int64_t dim, std::int64_t pad) {
  if (pad == 0) return extended;
  const std::int64_t n = extended.size(dim) - 2 * pad;
  at::Tensor x = extended.narrow(dim, pad, n).clone();
  for (const auto& s : symmetric_extension(n, pad)) {
    if (s.at == pad) continue;
    const at::Tensor part = extended.narrow(dim, s.at, s.length);
    x.narrow(dim, s.source, s.length).add_(s.mirrored ? part.flip(dim) : part);
  }
  return x;
}

// A correlation in one dimension is a product with the taps along the diagonals, the same matrix ([block, block + k - 1]) for every
// block of outputs: Note [Blocked products] in axis_matrix.cpp.
constexpr std::int64_t block = 40;

at::Tensor banded_matrix(const std::vector<double>& taps) {
  const auto k = static_cast<std::int64_t>(taps.size());
  at::Tensor matrix = at::zeros({block, block + k - 1}, at::kDouble);
  double* row = matrix.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < block; ++i, row += block + k - 1) std::copy(taps.begin(), taps.end(), row + i);
  return matrix;
}

// x: [C,H,W]; valid correlation along `dim` (1 or 2) with the taps in `band`: that axis becomes k - 1 shorter.
at::Tensor banded_correlation(const at::Tensor& x, std::int64_t dim, const at::Tensor& band) {
  const std::int64_t window = band.size(1), length = x.size(dim) - (window - block);
  const std::int64_t blocks = (length + block - 1) / block;
  return blocked_product(x, dim, band.unsqueeze(0).expand({blocks, block, window}), block, 0, length);
}

// Note [Correlation by FFT]: from this many taps on, the valid part of a correlation in two dimensions is taken from a circular
// one on a slightly larger picture. Its cost does not depend on the kernel: 90 ms on 1080p, where depthwise convolution takes
// 120 ms with 5x5 taps, 220 ms with 13x13 and 1.7 s with 49x49; on 320x192 pixels the two are equal at 6x6.
constexpr std::int64_t fft_taps = 25;

at::Tensor taps_of(const Kernel& kernel) {
  return at::tensor(kernel.taps, at::kDouble).view({kernel.rows, kernel.columns});
}

}  // namespace

BlurPass::BlurPass(Kernel kernel) : kernel_(std::move(kernel)), turned_(kernel_) {
  std::reverse(turned_.taps.begin(), turned_.taps.end());
}

// Correlating with the turned kernel convolves.
at::Tensor BlurPass::convolve(const at::Tensor& x) const {
  return correlate(turned, extend(extend(x, 2, kernel_.rows / 2), 3, kernel_.columns / 2));
}

at::Tensor BlurPass::adjoint(const at::Tensor& r) const {
  const std::int64_t rows = kernel_.rows - 1, columns = kernel_.columns - 1;
  const at::Tensor spread = correlate(as_given, at::constant_pad_nd(r, {columns, columns, rows, rows}));
  return fold(fold(spread, 2, kernel_.rows / 2), 3, kernel_.columns / 2);
}

at::Tensor BlurPass::correlate(Direction direction, const at::Tensor& x) const {
  const Kernel& kernel = direction == turned ? turned_ : kernel_;
  const bool row = kernel.rows == 1, flat = row || kernel.columns == 1;
  if (!flat && kernel.rows * kernel.columns >= fft_taps) return correlate_by_fft(direction, x);
  const at::Tensor taps = constants_.get(direction, x, [&] {
    return std::vector<at::Tensor>{flat ? banded_matrix(kernel.taps) : taps_of(kernel).unsqueeze(0).unsqueeze(0)};
  })[0];
  if (flat) return banded_correlation(x.squeeze(0), row ? 2 : 1, taps).unsqueeze(0);
  const std::int64_t c = x.size(1);
  return exact_conv2d(x, taps.expand({c, 1, kernel.rows, kernel.columns}), {}, 1, 0, c);
}

at::Tensor BlurPass::correlate_by_fft(Direction direction, const at::Tensor& x) const {
  const std::int64_t height = fast_size(x.size(2)), width = fast_size(x.size(3));
  const std::vector<std::int64_t> size{height, width};
  const at::Tensor parts = spectra_.get(((height << 31) + width) * 2 + direction, x, [&] {
    const at::Tensor spectrum = at::fft_rfft2(taps_of(direction == turned ? turned_ : kernel_), size);
    return std::vector<at::Tensor>{at::view_as_real(spectrum.conj().resolve_conj())};
  })[0];
  const at::Tensor circular = at::fft_irfft2(at::fft_rfft2(x, size) * at::view_as_complex(parts), size);
  return circular.narrow(2, 0, x.size(2) - kernel_.rows + 1).narrow(3, 0, x.size(3) - kernel_.columns + 1);
}

}  // namespace reddiff
