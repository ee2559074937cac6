// SPDX-License-Identifier: LGPL-2.1-or-later
//
// H = H_n ... H_2 H_1, the first stage nearest to the scene. vjp runs the stages backwards through the intermediate pictures;
// `pseudo_inverse` chains the stages' inverses backwards, which is the customary start and not the pseudo-inverse of the product.
// Where the last stage alone is not linear, and says in which intervals values lie, the rest is the linear part of the interval face.
// prox: conjugate gradients on the measurement's grid (dual_prox.h). rho: eigenvalues of a product are not products of eigenvalues, so they are taken
// from the whole composition on a small picture (spectral_rho.h).
#include <ATen/ATen.h>

#include <algorithm>
#include <optional>

#include "core/api/error.h"
#include "core/operators/dual_prox.h"
#include "core/operators/operators.h"
#include "core/operators/per_image.h"
#include "core/operators/separable_spectrum.h"
#include "core/operators/spectral_rho.h"

namespace reddiff {
namespace {

class Composition : public Operator {
 public:
  explicit Composition(std::vector<OperatorPtr> stages) : stages_(std::move(stages)) {
    for (const auto& stage : stages_) {
      factor_ *= stage->factor();
      linear_ = linear_ && stage->linear();
      separable_ = separable_ && stage->separable();
      channels_ = std::min(channels_, stage->channels());
    }
    const auto is_linear = [](const OperatorPtr& stage) { return stage->linear(); };
    if (stages_.back()->intervals() && std::all_of(stages_.begin(), stages_.end() - 1, is_linear)) {
      before_ = make_composition({stages_.begin(), stages_.end() - 1});
      intervals_.emplace(before_.get());
    }
  }

  bool linear() const override { return linear_; }
  int factor() const override { return factor_; }
  bool separable() const override { return separable_; }
  const Spectrum* spectrum() const override { return separable_ ? &spectrum_ : nullptr; }
  std::int64_t channels() const override { return channels_; }

  at::Tensor forward(const at::Tensor& x) const override {
    // Here, so that the message names the factor of the whole and not that of a stage.
    require_multiple(x, factor_);
    at::Tensor y = x;
    for (const auto& stage : stages_) y = stage->forward(y);
    return y;
  }

  at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const override {
    std::vector<at::Tensor> inputs{x};
    for (std::size_t i = 0; i + 1 < stages_.size(); ++i)
      inputs.push_back(linear_ ? shape_after(*stages_[i], inputs[i]) : stages_[i]->forward(inputs[i]));
    at::Tensor gradient = r;
    for (std::size_t i = stages_.size(); i-- > 0;) gradient = stages_[i]->vjp(inputs[i], gradient);
    return gradient;
  }

  at::Tensor pseudo_inverse(const at::Tensor& y) const override {
    at::Tensor x = y;
    for (auto stage = stages_.rbegin(); stage != stages_.rend(); ++stage) x = (*stage)->pseudo_inverse(x);
    return x;
  }

  at::Tensor prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const override {
    return linear_ ? dual_prox_(*this, z, y, w, rho) : Operator::prox(z, y, w, rho);
  }

  at::Tensor rho(const at::Tensor& q) const override {
    if (linear_) return spectral_rho_(*this, q);
    return before_ ? before_->rho(q) : q / (1 + q);
  }

  const IntervalFace* intervals() const override { return intervals_ ? &*intervals_ : nullptr; }

 private:
  // Of its x, the vjp of a linear stage uses the shape only: a zero seen through strides costs nothing.
  static at::Tensor shape_after(const Operator& stage, const at::Tensor& x) {
    const std::int64_t channels = std::min(x.size(1), stage.channels());
    return at::zeros({1, 1, 1, 1}, x.options().requires_grad(false))
        .expand({x.size(0), channels, x.size(2) / stage.factor(), x.size(3) / stage.factor()});
  }

  std::vector<OperatorPtr> stages_;
  OperatorPtr before_;  // all but the last, where that says intervals
  std::optional<IntervalFace> intervals_;
  int factor_ = 1;
  bool linear_ = true, separable_ = true;
  std::int64_t channels_ = 3;
  DualProx dual_prox_;
  SpectralRho spectral_rho_;
  SeparableSpectrum spectrum_{*this};
};

}  // namespace

OperatorPtr make_composition(std::vector<OperatorPtr> stages) {
  if (stages.empty()) throw Error(ErrorCode::settings, "an operator needs at least one stage, for example identity");
  if (stages.size() == 1) return stages.front();
  return std::make_shared<Composition>(std::move(stages));
}

}  // namespace reddiff
