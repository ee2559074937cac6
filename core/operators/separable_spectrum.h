// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The spectrum of an operator that is separable (Operator::separable): those of three small matrices, on colours, columns and rows. The
// matrices are read off the operator itself, from its answers to pictures that vary along one axis. Made once for each size, in double
// precision, in time that grows with the cube of a side (1920: seconds); a transform takes 2 (H + W) multiplications a value.
#pragma once

#include "core/operators/operator.h"
#include "core/operators/spectrum.h"
#include "core/operators/tensor_cache.h"

namespace reddiff {

class SeparableSpectrum final : public Spectrum {
 public:
  // op: outlives this and answers true to separable() whenever this is used. A member of the operator's class as a rule.
  explicit SeparableSpectrum(const Operator& op) : op_(op) {}

  at::Tensor modes(const at::Tensor& x) const override;
  at::Tensor picture(const at::Tensor& modes) const override;
  at::Tensor measured_modes(const at::Tensor& y) const override;
  at::Tensor singular_values(const at::Tensor& y) const override;

 private:
  struct Factor {
    at::Tensor u, values, v;  // [m,m], [n] with zeros after the m-th, [n,n]
  };
  struct Factors {
    Factor colours, columns, rows;
  };
  Factors factors(std::int64_t height, std::int64_t width, const at::Tensor& like) const;  // of the picture

  const Operator& op_;
  mutable TensorCache cache_;
};

}  // namespace reddiff
