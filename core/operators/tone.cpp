// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Operators on colours. gray: the mean of the channels, [N,3,H,W] -> [N,1,H,W]; one channel stays as it is, so that gray may
// stand twice in a composition.
#include <ATen/ATen.h>

#include "core/operators/operators.h"
#include "core/operators/orthogonal_rows.h"
#include "core/operators/separable_spectrum.h"

namespace reddiff {
namespace {

class Gray : public OrthogonalRows {
 public:
  Gray() : OrthogonalRows(1.0 / 3) {}

  std::int64_t channels() const override { return 1; }
  bool separable() const override { return true; }
  const Spectrum* spectrum() const override { return &spectrum_; }

  // Added one by one: a sum over channels written as a reduction is slower and may round by batch size.
  at::Tensor forward(const at::Tensor& x) const override {
    at::Tensor sum = x.narrow(1, 0, 1);
    for (std::int64_t c = 1; c < x.size(1); ++c) sum = sum + x.narrow(1, c, 1);
    return sum / static_cast<double>(x.size(1));
  }

  at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const override {
    return (r / static_cast<double>(x.size(1))).expand(x.sizes()).contiguous();
  }

  // H^+: the gray in every channel.
  at::Tensor pseudo_inverse(const at::Tensor& y) const override {
    return y.expand({y.size(0), 3, y.size(2), y.size(3)}).contiguous();
  }

 private:
  SeparableSpectrum spectrum_{*this};
};

}  // namespace

OperatorPtr make_gray(const OperatorStage&) { return std::make_shared<Gray>(); }

}  // namespace reddiff
