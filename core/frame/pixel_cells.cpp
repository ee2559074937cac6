// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/pixel_cells.h"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

#include "core/frame/truncated_mean.h"

namespace reddiff {
namespace {

class PixelCells final : public Likelihood {
 public:
  PixelCells(double sigma_y, double noise, Intervals cells)
      : Likelihood(std::hypot(sigma_y, noise)), noise_(noise), cells_(std::move(cells)) {}

  at::Tensor expected_y(const at::Tensor& y, const std::function<at::Tensor()>&) const override { return y; }
  at::Tensor debias(const at::Tensor& mean) const override { return mean; }
  LikelihoodPtr debiased() const override { return make_gaussian(sigma_y()); }
  bool has_intervals() const override { return true; }

  at::Tensor mean_in_intervals(const at::Tensor& seen, double level) const override {
    const auto of_channels = [&](const at::Tensor& x) { return x.narrow(1, 0, seen.size(1)); };  // gray: any of them
    return truncated_mean(seen, {of_channels(cells_.centre), of_channels(cells_.half_width)}, level, noise_);
  }

 private:
  double noise_;
  Intervals cells_;  // [1,3,h,w]
};

Intervals between(const at::Tensor& low, const at::Tensor& high) { return {(low + high) / 2, (high - low) / 2}; }

// By how much a value may be off, core units.
double inaccuracy(const FrameView& frame) {
  const double half_a_code = 1 / (std::ldexp(1.0, frame.component[0].depth) - 1);
  return frame.model == ColorModel::ycbcr ? 3 * half_a_code : half_a_code;
}

// Deviation of what lies anywhere in so wide an interval.
double deviation(double width) { return width / std::sqrt(12.0); }

}  // namespace

LikelihoodPtr make_clipped_cells(const FrameView& frame, const at::Tensor& picture, double gain, double noise) {
  const double off = inaccuracy(frame);
  const auto y = picture.clamp(-1, 1);
  const auto low = at::where(y <= off - 1, -1, (y - off) / gain), high = at::where(y >= 1 - off, 1, (y + off) / gain);
  return std::make_shared<PixelCells>(deviation(1 - (1 - off) / gain), noise, between(low, high));
}

LikelihoodPtr make_quantised_cells(const FrameView& frame, const at::Tensor& picture, int bits, double noise) {
  const double count = std::ldexp(1.0, bits), half = 1 / count, off = inaccuracy(frame);
  const auto y = picture.clamp(-1, 1);
  const auto nearest = ((y + 1) * (count / 2)).floor().clamp(0, count - 1).mul(2 / count).add(half - 1);
  const auto distance = (y - nearest).abs();
  const auto sure = distance <= off;
  return std::make_shared<PixelCells>(deviation(2 * half), noise,
                                      Intervals{at::where(sure, nearest, y), at::where(sure, half, distance + half)});
}

}  // namespace reddiff
