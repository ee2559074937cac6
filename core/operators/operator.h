// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A degradation operator H of y = H(x) + noise. Pictures are [N,3,H,W], RGB, [-1,1], on any device; measurements are
// [N,c,h,w]. To add one: copy identity.cpp, add its line to core/registry.cpp, its kind to core/api/operator_spec.cpp and its
// file to core/meson.build; the tests that loop over the registry then cover it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

namespace reddiff {

struct ImageSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  bool operator==(const ImageSize&) const = default;
};

// The data step of solvers that split the problem.
class Proximal {
 public:
  virtual ~Proximal() = default;

  // argmin_x |H x - y|^2_w + rho |x - z|^2 with per-row weights w ([N,1,h,w] or undefined = 1); rho > 0.
  virtual at::Tensor prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const = 0;
};

// y = C L x of a linear L, where C says of the values of L x only in which intervals they lie (core/frame/likelihood.h). The data step is
// then their mean inside of these, put back by L.
struct IntervalFace {
  const class Operator* linear;  // L; nullptr: the identity
};

class Spectrum;  // core/operators/spectrum.h

class Operator : public Proximal {
 public:
  virtual bool linear() const { return true; }
  virtual int factor() const { return 1; }  // image size = factor x measurement size
  virtual std::int64_t channels() const { return 3; }

  // H(x): [N,3,H,W] -> [N,c,H/factor,W/factor]. H and W must be multiples of factor().
  virtual at::Tensor forward(const at::Tensor& x) const = 0;

  // J_H(x)^T r, exact: <forward(u), r> = <u, vjp(., r)> for linear H; straight-through where H rounds or clips (interval_stage.h).
  // r has the shape of forward(x); the result that of x.
  virtual at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const = 0;

  // H^+ y, the start of the mean: least-squares or the customary inverse (documented per operator); [N,3,H,W].
  virtual at::Tensor pseudo_inverse(const at::Tensor& y) const = 0;

  // Whether H acts on colours, columns and rows one after the other, each alike wherever it is in the others, and keeps what is constant
  // along an axis constant.
  virtual bool separable() const { return false; }

  // Optional faces; nullptr where the operator has none.
  virtual const Proximal* proximal() const { return linear() ? this : nullptr; }
  virtual const Spectrum* spectrum() const { return nullptr; }
  virtual const IntervalFace* intervals() const { return nullptr; }

  // Eight conjugate gradients on (H^T W H + rho) started at z; operators with a closed form override it.
  at::Tensor prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const override;

  // What one measurement tells about one pixel: the mean over the eigenvalues l of H^T H (zeros included) of q l / (1 + q l),
  // elementwise for q >= 0 (variance of the prediction over variance of the noise).
  virtual at::Tensor rho(const at::Tensor& q) const = 0;

  // The mean of the eigenvalues of H^T H: white noise of variance one keeps this much of it, per pixel, when H^T is applied.
  double mean_gain() const;
};

using OperatorPtr = std::shared_ptr<const Operator>;

}  // namespace reddiff
