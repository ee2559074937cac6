// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The mean of K x K pixels.
#include <ATen/ATen.h>

#include "core/operators/operators.h"
#include "core/operators/orthogonal_rows.h"
#include "core/operators/per_image.h"
#include "core/operators/separable_spectrum.h"

namespace reddiff {
namespace {

class AveragePool : public OrthogonalRows {
 public:
  explicit AveragePool(int factor) : OrthogonalRows(1.0 / (factor * factor)), factor_(factor) {}

  int factor() const override { return factor_; }
  bool separable() const override { return true; }
  const Spectrum* spectrum() const override { return &spectrum_; }

  at::Tensor forward(const at::Tensor& x) const override {
    require_multiple(x, factor_);
    return at::avg_pool2d(x, factor_);
  }

  at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const override {
    return repeat(r / static_cast<double>(factor_ * factor_));
  }

  // H^+ = K^2 H^T: every pixel of a block takes its mean.
  at::Tensor pseudo_inverse(const at::Tensor& y) const override { return repeat(y); }

 private:
  at::Tensor repeat(const at::Tensor& y) const {
    const std::int64_t k = factor_;
    return y.unsqueeze(3)
        .unsqueeze(5)
        .expand({y.size(0), y.size(1), y.size(2), k, y.size(3), k})
        .reshape({y.size(0), y.size(1), y.size(2) * k, y.size(3) * k});
  }

  int factor_;
  SeparableSpectrum spectrum_{*this};
};

}  // namespace

OperatorPtr make_average_pool(const OperatorStage& stage) {
  return std::make_shared<AveragePool>(static_cast<int>(stage.numbers.at("factor")));
}

}  // namespace reddiff
