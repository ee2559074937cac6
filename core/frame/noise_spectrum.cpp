// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/noise_spectrum.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "core/frame/device_queue.h"
#include "core/frame/fast_size.h"

namespace reddiff {
namespace {

constexpr std::int64_t border = NoiseSpectrum::window / 2;  // what W reaches, pixels

// Of a table by vertical frequencies 0 to half a cycle a pixel, those of a transform of `rows` rows: the negative ones are like the positive.
at::Tensor both_signs(const at::Tensor& half, std::int64_t rows) {
  return at::cat({half, half.narrow(2, 1, (rows - 1) / 2).flip(2)}, 2);
}

// Rows are the axes of colour.
at::Tensor axes() {
  const double third = 1 / std::sqrt(3.0), half = 1 / std::sqrt(2.0), sixth = 1 / std::sqrt(6.0);
  return at::tensor({third, third, third, half, 0.0, -half, sixth, -2 * sixth, sixth}, at::kFloat).view({3, 3});
}

// [N,3,H,W], each pixel's colour multiplied by a matrix.
at::Tensor turned(const at::Tensor& matrix, const at::Tensor& picture) {
  return at::matmul(matrix, picture.flatten(2)).view(picture.sizes());
}

// How often a bin of the table stands for a frequency of the window: inner ones for both signs.
at::Tensor weights() {
  auto line = at::full({NoiseSpectrum::bins}, 2.0, at::kFloat);
  line[0] = 1;
  line[NoiseSpectrum::bins - 1] = 1;
  return line.unsqueeze(1) * line;
}

// Where the pixels of a line of `size` come from, if the first of `length` stands at `border` and the line is mirrored at both ends.
at::Tensor mirrored(std::int64_t length, std::int64_t size) {
  std::vector<std::int64_t> from(size);
  const std::int64_t period = 2 * length;
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t place = (((i - border) % period) + period) % period;
    from[i] = place < length ? place : period - 1 - place;
  }
  return at::tensor(from, at::kLong);
}

}  // namespace

double mean_power(const at::Tensor& power) {
  constexpr double frequencies = NoiseSpectrum::window * NoiseSpectrum::window;
  return (power * weights()).sum().item<double>() / (3 * frequencies);
}

NoiseSpectrum::NoiseSpectrum(const at::Tensor& power) : power_(power / mean_power(power)) {}

double NoiseSpectrum::slow_power() const {
  constexpr std::int64_t slow = window / 12 + 1;
  return power_.narrow(1, 0, slow).narrow(2, 0, slow).mean().item<double>();
}

// On a torus: the few pixels that opposite borders share are far apart.
at::Tensor NoiseSpectrum::noise(const at::Tensor& unit) const {
  const std::int64_t rows = unit.size(2), columns = unit.size(3);
  const auto power =
      at::upsample_bilinear2d(put(power_.unsqueeze(0), unit.options()), {rows / 2 + 1, columns / 2 + 1}, true);
  const auto gain = both_signs(power.sqrt(), rows);
  const std::vector<std::int64_t> size{rows, columns};
  const auto shaped = at::fft_irfft2(at::fft_rfft2(unit) * gain, size);
  return turned(put(axes(), unit.options()).t().contiguous(), shaped.contiguous());
}

at::Tensor NoiseSpectrum::data_step(const at::Tensor& y, const at::Tensor& x, double share) const {
  const std::int64_t height = y.size(2), width = y.size(3);
  const std::int64_t rows = 2 * fast_size(height / 2 + border + 1), columns = 2 * fast_size(width / 2 + border + 1);
  const auto options = y.options();
  const auto power = at::upsample_bilinear2d(put(power_.unsqueeze(0), options), {rows / 2 + 1, columns / 2 + 1}, true);
  const auto gain = both_signs(share * share / (power + share * share), rows);
  const auto matrix = put(axes(), options);
  const auto difference = turned(matrix, (y - x).contiguous());
  const auto extended = difference.index_select(2, put(mirrored(height, rows), options.dtype(at::kLong)))
                            .index_select(3, put(mirrored(width, columns), options.dtype(at::kLong)));
  const std::vector<std::int64_t> size{rows, columns};
  const auto kept = at::fft_irfft2(at::fft_rfft2(extended) * gain, size);
  const auto inside = kept.narrow(2, border, height).narrow(3, border, width).contiguous();
  return x + turned(matrix.t().contiguous(), inside);
}

at::Tensor power_of(const at::Tensor& pieces) {
  constexpr std::int64_t n = NoiseSpectrum::window, half = NoiseSpectrum::bins - 1;
  const auto line = at::hann_window(n, at::kFloat);
  const auto taper = line.unsqueeze(1) * line;
  const double gain = taper.square().sum().item<double>();
  const auto periodogram = at::fft_rfft2(turned(axes(), pieces.contiguous()) * taper).abs().square().mean(0) / gain;
  // Both signs of the vertical frequency.
  const auto up = periodogram.narrow(1, 0, half + 1);
  const auto down = at::cat({periodogram.narrow(1, 0, 1), periodogram.narrow(1, half, half).flip(1)}, 1);
  return (up + down) / 2;
}

}  // namespace reddiff
