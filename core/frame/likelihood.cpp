// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/likelihood.h"

#include <algorithm>

namespace reddiff {
namespace {

class Gaussian : public Likelihood {
 public:
  using Likelihood::Likelihood;
  at::Tensor expected_y(const at::Tensor& y, const std::function<at::Tensor()>&) const override { return y; }
  at::Tensor debias(const at::Tensor& mean) const override { return mean; }
  LikelihoodPtr debiased() const override { return make_gaussian(sigma_y(), sigma_map()); }
};

class LeftByCodec final : public Gaussian {
 public:
  using Gaussian::Gaussian;
  double share_alike() const override { return 1; }
  LikelihoodPtr debiased() const override { return make_left_by_codec(sigma_y(), sigma_map()); }
};

class Clipped final : public Likelihood {
 public:
  Clipped(double sigma_y, const Clipping& clipping, const at::Tensor& map)
      : Likelihood(sigma_y, map), clipping_(clipping) {}
  at::Tensor expected_y(const at::Tensor& y, const std::function<at::Tensor()>& hx) const override {
    return values_before_clipping(y, hx(), sigma_y(), clipping_);
  }
  at::Tensor debias(const at::Tensor& mean) const override { return mean_before_clipping(mean, sigma_y(), clipping_); }
  LikelihoodPtr debiased() const override { return make_gaussian(sigma_y(), sigma_map()); }

 private:
  Clipping clipping_;
};

class Correlated final : public Likelihood {
 public:
  Correlated(LikelihoodPtr each, double slow_power, NoiseSpectrumPtr spectrum)
      : Likelihood(each->sigma_y(), each->sigma_map()),
        each_(std::move(each)),
        slow_power_(slow_power),
        spectrum_(std::move(spectrum)) {}
  at::Tensor expected_y(const at::Tensor& y, const std::function<at::Tensor()>& hx) const override {
    return each_->expected_y(y, hx);
  }
  at::Tensor debias(const at::Tensor& mean) const override { return each_->debias(mean); }
  LikelihoodPtr debiased() const override { return make_correlated(each_->debiased(), slow_power_, spectrum_); }
  double share_alike() const override { return each_->share_alike(); }
  const NoiseSpectrum* spectrum() const override { return spectrum_.get(); }
  double slow_power() const override { return slow_power_; }

 private:
  LikelihoodPtr each_;
  double slow_power_;
  NoiseSpectrumPtr spectrum_;
};

}  // namespace

LikelihoodPtr make_gaussian(double sigma_y, const at::Tensor& map) { return std::make_shared<Gaussian>(sigma_y, map); }

LikelihoodPtr make_left_by_codec(double sigma_y, const at::Tensor& map) {
  return std::make_shared<LeftByCodec>(sigma_y, map);
}

LikelihoodPtr make_clipped(double sigma_y, const Clipping& clipping, const at::Tensor& map) {
  return clipping ? std::make_shared<Clipped>(sigma_y, clipping, map) : make_gaussian(sigma_y, map);
}

LikelihoodPtr make_correlated(LikelihoodPtr each, double slow_power, NoiseSpectrumPtr spectrum) {
  return std::make_shared<Correlated>(std::move(each), std::max(slow_power, 1.0), std::move(spectrum));
}

}  // namespace reddiff
