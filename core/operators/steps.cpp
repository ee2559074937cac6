// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Value by value, in the unit of pictures:
//   hdr       y = clip(gain x, -1, 1)                                                the paper's HDR has gain 2
//   quantise  y = -1 + (2 k + 1)/n,  k = floor((x + 1) n / 2) within 0 ... n - 1,  n = 2^bits
// Which values x may have had where such a y is seen is core/frame/pixel_cells.h.
#include <ATen/ATen.h>

#include <cmath>

#include "core/operators/interval_stage.h"
#include "core/operators/operators.h"

namespace reddiff {
namespace {

class Hdr final : public IntervalStage {
 public:
  explicit Hdr(double gain) : IntervalStage(gain), gain_(gain) {}

  at::Tensor forward(const at::Tensor& x) const override { return (x * gain_).clamp(-1, 1); }

 private:
  double gain_;
};

class Quantise final : public IntervalStage {
 public:
  explicit Quantise(int bits) : count_(std::ldexp(1.0, bits)) {}

  at::Tensor forward(const at::Tensor& x) const override {
    return ((x + 1) * (count_ / 2)).floor().clamp(0, count_ - 1).mul(2 / count_).add(1 / count_ - 1);
  }

 private:
  double count_;
};

}  // namespace

OperatorPtr make_hdr(const OperatorStage& stage) { return std::make_shared<Hdr>(stage.numbers.at("gain")); }

OperatorPtr make_quantise(const OperatorStage& stage) {
  return std::make_shared<Quantise>(static_cast<int>(stage.numbers.at("bits")));
}

}  // namespace reddiff
