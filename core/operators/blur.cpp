// SPDX-License-Identifier: LGPL-2.1-or-later
//
// H x = k * x with a kernel k of sum one and half-sample symmetric borders. A Gaussian and a box are two passes in one dimension,
// other kernels one pass. pseudo_inverse(y) = y: the blurred picture is a stable start, while an inverse filter would put noise where
// H has no information.
//
// prox: with kernels equal to their mirror images H = C^-1 l C, C the DCT-II, so without weights
//   x = z + C^-1 l/(l^2 + rho) C (y - H z).
// In all other cases conjugate gradients, preconditioned by 1/(mean(w) p + rho) in the same basis, where p is the diagonal of
// C H^T H C^-1 but for what the borders add (l^2 for the kernels above), 8 to 32 of them, the more the smaller rho.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/api/abort.h"
#include "core/operators/blur_kernels.h"
#include "core/operators/blur_pass.h"
#include "core/operators/conjugate_gradients.h"
#include "core/operators/cosine_transform.h"
#include "core/operators/operators.h"
#include "core/operators/per_image.h"
#include "core/operators/separable_spectrum.h"
#include "core/operators/spectral_rho.h"
#include "core/operators/tensor_cache.h"

namespace reddiff {
namespace {

// Equal to its mirror images in both axes, but for rounding in how the taps were computed.
bool symmetric(const Kernel& kernel) {
  constexpr double rounding = 1e-14;
  const auto tap = [&](int r, int c) { return kernel.taps[static_cast<std::size_t>(r * kernel.columns + c)]; };
  for (int r = 0; r < kernel.rows; ++r)
    for (int c = 0; c < kernel.columns; ++c)
      if (std::abs(tap(r, c) - tap(kernel.rows - 1 - r, c)) > rounding ||
          std::abs(tap(r, c) - tap(r, kernel.columns - 1 - c)) > rounding)
        return false;
  return true;
}

// What a kernel does to the cosines of the DCT-II on height x width pixels, [W,1,H]: its real response (all there is if it is
// symmetric) and its power. A product of cosines is plane waves in two directions, f and f with one sign changed; the power is
// the mean of |k(f)|^2 over both, in which the cosine and sine parts of k do not mix.
struct Response {
  at::Tensor real, power;
};

Response response(const Kernel& kernel, std::int64_t height, std::int64_t width) {
  const at::Tensor taps = at::tensor(kernel.taps, at::kDouble).view({kernel.rows, kernel.columns}).t();
  const auto angles = [](std::int64_t n, int count) {
    const at::Tensor frequency = at::arange(n, at::kDouble) * (std::numbers::pi / static_cast<double>(n));
    return at::outer(frequency, at::arange(count, at::kDouble) - count / 2);
  };
  const at::Tensor across = angles(width, kernel.columns), down = angles(height, kernel.rows).t();
  const auto part = [&](const at::Tensor& left, const at::Tensor& right) {
    throw_if_aborted();  // each is a whole picture in double precision
    return at::matmul(at::matmul(left, taps), right).unsqueeze(1);
  };
  const at::Tensor real = part(across.cos(), down.cos());
  return {real, real.square() + part(across.sin(), down.sin()).square() + part(across.cos(), down.sin()).square() +
                    part(across.sin(), down.cos()).square()};
}

// The error of conjugate gradients falls by a factor for every so many square roots of the condition number, about 1/rho. The
// preconditioner saves three quarters of them (README.md).
int iterations_for(double rho) { return static_cast<int>(std::clamp(std::ceil(0.5 / std::sqrt(rho)), 8.0, 32.0)); }

class Blur : public Operator {
 public:
  explicit Blur(const std::vector<Kernel>& kernels)
      : symmetric_(std::all_of(kernels.begin(), kernels.end(), symmetric)),
        separable_(std::all_of(kernels.begin(), kernels.end(),
                               [](const Kernel& k) { return k.rows == 1 || k.columns == 1; })) {
    for (const auto& kernel : kernels) passes_.push_back(std::make_unique<BlurPass>(kernel));
  }

  bool separable() const override { return separable_; }
  const Spectrum* spectrum() const override { return separable_ ? &spectrum_ : nullptr; }

  at::Tensor forward(const at::Tensor& x) const override {
    return per_image(x.size(0), [&](std::int64_t i) {
      at::Tensor y = image(x, i);
      for (const auto& pass : passes_) y = pass->convolve(y);
      return y;
    });
  }

  at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const override {
    return per_image(r.size(0), [&](std::int64_t i) {
      at::Tensor g = image(r, i);
      for (auto pass = passes_.rbegin(); pass != passes_.rend(); ++pass) g = (*pass)->adjoint(g);
      return g;
    });
  }

  at::Tensor pseudo_inverse(const at::Tensor& y) const override { return y; }

  at::Tensor prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const override {
    const Response spectrum = spectrum_of(z);
    return per_image(z.size(0), [&](std::int64_t i) {
      const at::Tensor start = image(z, i), rows = image(y, i), weights = image(w, i);
      if (symmetric_ && !w.defined())
        return start + filtered(rows - forward(start), spectrum.real / (spectrum.power + rho));
      const at::Tensor gain = ((w.defined() ? spectrum.power * weights.mean() : spectrum.power) + rho).reciprocal();
      return conjugate_gradients(*this, start, rows, weights, rho, iterations_for(rho),
                                 [&](const at::Tensor& residual) { return filtered(residual, gain); });
    });
  }

  at::Tensor rho(const at::Tensor& q) const override { return spectral_rho_(*this, q); }

 private:
  // Of all passes together.
  Response spectrum_of(const at::Tensor& x) const {
    const std::int64_t height = x.size(2), width = x.size(3);
    const auto parts = spectra_.get((height << 31) + width, x, [&] {
      Response all = response(passes_[0]->kernel(), height, width);
      for (std::size_t i = 1; i < passes_.size(); ++i) {
        const Response next = response(passes_[i]->kernel(), height, width);
        all = {all.real * next.real, all.power * next.power};
      }
      return std::vector<at::Tensor>{all.real, all.power};
    });
    return {parts[0], parts[1]};
  }

  at::Tensor filtered(const at::Tensor& x, const at::Tensor& gain) const {
    return cosines_.inverse(cosines_.forward(x).mul_(gain), x);
  }

  std::vector<std::unique_ptr<BlurPass>> passes_;
  bool symmetric_, separable_;
  CosineTransform cosines_;
  mutable TensorCache spectra_;
  SpectralRho spectral_rho_;
  SeparableSpectrum spectrum_{*this};
};

std::vector<Kernel> both_axes(const Kernel& row) { return {Kernel{row.columns, 1, row.taps}, row}; }

class GaussianBlur : public Blur {
 public:
  explicit GaussianBlur(double sigma) : Blur(both_axes(gaussian_kernel(sigma))), sigma_(sigma) {}

  // The mean of q l/(1 + q l) with l = exp(-sigma^2 |f|^2) over the plane of angular frequencies f. The plane is larger than the
  // square of frequencies that exist, so for a narrow kernel the bound by what no blur at all would tell is the closer one.
  at::Tensor rho(const at::Tensor& q) const override {
    return at::minimum(q.log1p() / (4 * std::numbers::pi * sigma_ * sigma_), q / (1 + q));
  }

 private:
  double sigma_;
};

}  // namespace

OperatorPtr make_gaussian_blur(const OperatorStage& stage) {
  return std::make_shared<GaussianBlur>(stage.numbers.at("sigma"));
}

OperatorPtr make_box_blur(const OperatorStage& stage) {
  return std::make_shared<Blur>(both_axes(box_kernel(static_cast<int>(stage.numbers.at("size")))));
}

OperatorPtr make_motion_blur(const OperatorStage& stage) {
  return std::make_shared<Blur>(
      std::vector<Kernel>{motion_kernel(stage.numbers.at("length"), stage.numbers.at("angle"))});
}

OperatorPtr make_kernel_blur(const OperatorStage& stage) {
  return std::make_shared<Blur>(std::vector<Kernel>{read_kernel(stage.files.at("file"))});
}

}  // namespace reddiff
