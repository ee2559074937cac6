// SPDX-License-Identifier: LGPL-2.1-or-later
//
// H x = x: noise is the only degradation (and, with a mask, missing pixels). The skeleton for new operators: every method is
// written out, each with the formula that another operator would have to replace.
#include <ATen/ATen.h>

#include "core/operators/operators.h"
#include "core/operators/spectrum.h"

namespace reddiff {
namespace {

// U = V = I, every singular value 1.
class PixelSpectrum final : public Spectrum {
 public:
  at::Tensor modes(const at::Tensor& x) const override { return x; }
  at::Tensor picture(const at::Tensor& modes) const override { return modes; }
  at::Tensor measured_modes(const at::Tensor& y) const override { return y; }
  at::Tensor singular_values(const at::Tensor& y) const override { return at::ones({1, 1, 1, 1}, y.options()); }
  bool of_pixels() const override { return true; }
};

class Identity : public Operator {
 public:
  bool separable() const override { return true; }
  const Spectrum* spectrum() const override { return &spectrum_; }

  at::Tensor forward(const at::Tensor& x) const override { return x; }

  // J^T r. A linear operator uses the shape of x at most, never its values.
  at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const override { return r; }

  // H^+ = I.
  at::Tensor pseudo_inverse(const at::Tensor& y) const override { return y; }

  // Pixel by pixel: (w y + rho z) / (w + rho), written so that w = 0 returns z to the bit.
  at::Tensor prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const override {
    return w.defined() ? z + (w / (w + rho)) * (y - z) : z + (y - z) / (1 + rho);
  }

  // All eigenvalues are 1.
  at::Tensor rho(const at::Tensor& q) const override { return q / (1 + q); }

 private:
  PixelSpectrum spectrum_;
};

}  // namespace

OperatorPtr make_identity(const OperatorStage&) { return std::make_shared<Identity>(); }

}  // namespace reddiff
