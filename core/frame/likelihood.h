// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the noise n of y = H(x) + n is like, and what follows from it for whoever looks at y. Everything behind the Observer asks this
// interface, so that another kind of noise is another class here and nothing elsewhere. Pictures and rows of any shape, core units.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <utility>

#include "core/frame/clipped_noise.h"
#include "core/frame/noise_spectrum.h"

namespace reddiff {

class Likelihood {
 public:
  explicit Likelihood(double sigma_y, at::Tensor map = {}) : sigma_y_(sigma_y), map_(std::move(map)) {}
  virtual ~Likelihood() = default;

  // Standard deviation of n, > 0; its root mean square where it differs from pixel to pixel.
  double sigma_y() const { return sigma_y_; }

  // [1,1,h,w], on the grid of y: where it differs; else undefined.
  const at::Tensor& sigma_map() const { return map_; }

  // Of n's power, [0,1]: what comes again in the next frame along the motion, so that no mean over frames takes it away.
  virtual double share_alike() const { return 0; }

  // What y stands for in a data term of white Gaussian noise, if the picture is seen through H as hx(). hx is called where that is asked
  // for at all.
  virtual at::Tensor expected_y(const at::Tensor& y, const std::function<at::Tensor()>& hx) const = 0;

  // The picture whose noisy values have this mean: what a denoiser makes of y itself is led back by this.
  virtual at::Tensor debias(const at::Tensor& mean) const = 0;

  // What values of n have in common, up to sigma_y; nullptr where each is independent of the others, and where nobody knows.
  virtual const NoiseSpectrum* spectrum() const { return nullptr; }

  // How many times as much the mean of n over a window varies as if each value were independent; 1 where they are.
  virtual double slow_power() const { return 1; }

  // Whether the measurement says of what it measures only in which intervals it lies. Then the data step is mean_in_intervals, else the
  // proximal step of the operator.
  virtual bool has_intervals() const { return false; }

  // E[x given the intervals] of x ~ N(seen, level^2), of the size and the channels of the measurement; level > 0. Undefined where there
  // are none.
  virtual at::Tensor mean_in_intervals(const at::Tensor& seen, double level) const {
    (void)seen, (void)level;
    return {};
  }

  // The same noise in rows that expected_y has been taken from.
  virtual std::shared_ptr<const Likelihood> debiased() const = 0;

 private:
  double sigma_y_;
  at::Tensor map_;
};

using LikelihoodPtr = std::shared_ptr<const Likelihood>;

// White, of one level, or of a level a pixel.
LikelihoodPtr make_gaussian(double sigma_y, const at::Tensor& map = {});

// What a codec left: predicted frames have taken most of it from the frames that they are predicted from.
LikelihoodPtr make_left_by_codec(double sigma_y, const at::Tensor& map = {});

// White noise that ended where code values end (clipped_noise.h); Gaussian where nothing was clipped.
LikelihoodPtr make_clipped(double sigma_y, const Clipping& clipping, const at::Tensor& map = {});

// As `each` of its values, which are not independent. slow_power: at least 1; spectrum: nullptr where it is not known.
LikelihoodPtr make_correlated(LikelihoodPtr each, double slow_power, NoiseSpectrumPtr spectrum);

}  // namespace reddiff
