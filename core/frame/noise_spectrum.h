// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What noise is like that neighbouring pixels and colours share: its covariance C, up to its level, the same all over the picture. It is
// diagonal in the frequencies of three axes of colour, which are orthonormal: grey, red against blue, green against both.
//
// Where noise is soft it has next to no power at the frequencies of fine detail, and there the measurement is believed: what a denoiser took
// for noise comes back. The data step of y = x + n, n ~ N(0, C), exact for each frequency:
//
//   argmin_u  |u - y|^2_{C^-1} + |u - x|^2 / s^2  =  x + W (y - x),   W = s^2 / (s^2 + S(f))
//
// W depends on the ratio of s to the noise's level alone: where both differ from pixel to pixel alike, it is the same all over the picture.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

namespace reddiff {

class NoiseSpectrum {
 public:
  static constexpr std::int64_t window = 32, bins = window / 2 + 1;

  // power: S, [3,bins,bins], CPU, float32, >= 0 and somewhere more: of each axis, by vertical and horizontal frequency, 0 to half a cycle a
  // pixel; linear in between, the same for both signs of a frequency.
  explicit NoiseSpectrum(const at::Tensor& power);

  // S, so that the mean over all frequencies and axes is 1.
  const at::Tensor& power() const { return power_; }

  // S where it is slow, below a twelfth of a cycle a pixel: how many times as much as of white noise the means of windows vary.
  double slow_power() const;

  // Noise of this spectrum whose root mean square is 1. unit: [1,3,H,W], independent standard normal values.
  at::Tensor noise(const at::Tensor& unit) const;

  // The picture between x and y, [N,3,H,W] each. share: s over the deviation of the noise in y, > 0.
  at::Tensor data_step(const at::Tensor& y, const at::Tensor& x, double share) const;

 private:
  at::Tensor power_;
};

using NoiseSpectrumPtr = std::shared_ptr<const NoiseSpectrum>;

// Mean of S over all frequencies and axes, of a table as above: the variance of a value.
double mean_power(const at::Tensor& power);

// S of pieces of noise, [P,3,window,window], CPU, in R'G'B': the mean over P of their windowed periodograms.
at::Tensor power_of(const at::Tensor& pieces);

}  // namespace reddiff
