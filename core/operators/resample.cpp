// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reductions by a whole factor K. average-pool: mean of K x K pixels. bicubic: along each axis, output i is the mean of the
// inputs j weighted by k((j + 1/2)/K - (i + 1/2)), k the Keys kernel with a = -1/2 (support 2, so 4K inputs: antialiased);
// inputs beyond the border do not exist and the weights of a row sum to one. That is PIL's BICUBIC for output = input/K.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/operators/dual_prox.h"
#include "core/operators/operators.h"
#include "core/operators/orthogonal_rows.h"
#include "core/operators/per_image.h"
#include "core/operators/spectral_rho.h"
#include "core/operators/tensor_cache.h"

namespace reddiff {
namespace {

class AveragePool : public OrthogonalRows {
 public:
  explicit AveragePool(int factor) : OrthogonalRows(1.0 / (factor * factor)), factor_(factor) {}

  int factor() const override { return factor_; }

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
};

double keys(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

// A: [length/K, length], double.
at::Tensor bicubic_matrix(std::int64_t length, int factor) {
  const std::int64_t rows = length / factor;
  at::Tensor matrix = at::zeros({rows, length}, at::kDouble);
  double* row = matrix.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < rows; ++i, row += length) {
    const std::int64_t first = std::max<std::int64_t>(0, (i - 2) * factor);
    const std::int64_t last = std::min(length, (i + 3) * factor);
    double sum = 0;
    for (std::int64_t j = first; j < last; ++j)
      sum += row[j] = keys((static_cast<double>(j) + 0.5) / factor - (static_cast<double>(i) + 0.5));
    for (std::int64_t j = first; j < last; ++j) row[j] /= sum;
  }
  return matrix;
}

// rows x columns^T on every channel of every image, the order that makes the picture smaller first and larger last.
at::Tensor apply(const at::Tensor& rows, const at::Tensor& x, const at::Tensor& columns) {
  const std::int64_t channels = x.size(1);
  const auto on_rows = [&](const at::Tensor& t) {
    return at::bmm(rows.unsqueeze(0).expand({channels, rows.size(0), rows.size(1)}), t);
  };
  const auto on_columns = [&](const at::Tensor& t) { return at::matmul(t, columns.t()); };
  return per_image(x.size(0), [&](std::int64_t i) {
    const at::Tensor one = image(x, i).squeeze(0).contiguous();
    const bool reduces = rows.size(0) < rows.size(1);
    return (reduces ? on_columns(on_rows(one)) : on_rows(on_columns(one))).unsqueeze(0);
  });
}

// Note [Start of bicubic]: the picture of least energy that reduces to y, A^+ y with A^+ = A^T (A A^T)^-1 along each axis,
// fades towards mid-gray at the borders (to 0.71 of a constant at factor 4, 0.63 at factor 8), because the renormalised rows
// there do not sum up to a constant. So the start is G = B + A^+ (I - A B): B interpolates with the rows of A^T scaled to sum
// one, then what B misses is added back. A G = I still, constants stay constant, and away from the borders G is A^+, since
// there B = K A^T has no part in the null space of A.
class Bicubic : public Operator {
 public:
  explicit Bicubic(int factor) : factor_(factor) {}

  int factor() const override { return factor_; }

  at::Tensor forward(const at::Tensor& x) const override {
    require_multiple(x, factor_);
    return apply(matrix(x.size(2), x), x, matrix(x.size(3), x));
  }

  at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const override {
    return apply(matrix(r.size(2) * factor_, r).t(), r, matrix(r.size(3) * factor_, r).t());
  }

  // See Note [Start of bicubic].
  at::Tensor pseudo_inverse(const at::Tensor& y) const override {
    return apply(inverse(y.size(2) * factor_, y), y, inverse(y.size(3) * factor_, y));
  }

  // x = z + H^T (H H^T + rho)^-1 (y - H z), diagonal in the eigenvectors U of A A^T of both axes. Weights break that form.
  at::Tensor prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const override {
    if (w.defined()) return dual_prox_(*this, z, y, w, rho);
    const auto vertical = eigen(z.size(2), z), horizontal = eigen(z.size(3), z);
    const at::Tensor denominator = vertical[0].unsqueeze(1) * horizontal[0].unsqueeze(0) + rho;
    const at::Tensor modes = apply(vertical[1].t(), y - forward(z), horizontal[1].t()) / denominator;
    return z + vjp(z, apply(vertical[1], modes, horizontal[1]));
  }

  at::Tensor rho(const at::Tensor& q) const override { return spectral_rho_(*this, q); }

 private:
  at::Tensor matrix(std::int64_t length, const at::Tensor& like) const {
    return matrices_.get(length, like, [&] { return std::vector<at::Tensor>{bicubic_matrix(length, factor_)}; })[0];
  }

  at::Tensor inverse(std::int64_t length, const at::Tensor& like) const {
    return inverses_.get(length, like, [&] {
      const at::Tensor a = bicubic_matrix(length, factor_), b = a.t() / a.sum(0).unsqueeze(1);
      const at::Tensor miss = at::eye(length / factor_, at::kDouble) - at::matmul(a, b);
      const at::Tensor g = b + at::matmul(a.t(), at::linalg_solve(at::matmul(a, a.t()), miss));
      // Its rows decay into denormal numbers, with which some processors multiply twenty times as slowly.
      return std::vector<at::Tensor>{at::where(g.abs() < 1e-18, 0.0, g)};
    })[0];
  }

  // {S, U} of A A^T = U diag(S) U^T.
  std::vector<at::Tensor> eigen(std::int64_t length, const at::Tensor& like) const {
    return eigen_.get(length, like, [&] {
      const at::Tensor a = bicubic_matrix(length, factor_);
      const auto [values, vectors] = at::linalg_eigh(at::matmul(a, a.t()), "L");
      return std::vector<at::Tensor>{values, vectors};
    });
  }

  int factor_;
  mutable TensorCache matrices_, inverses_, eigen_;  // by length of the larger axis
  DualProx dual_prox_;
  SpectralRho spectral_rho_;
};

}  // namespace

OperatorPtr make_average_pool(const OperatorStage& stage) {
  return std::make_shared<AveragePool>(static_cast<int>(stage.numbers.at("factor")));
}

OperatorPtr make_bicubic(const OperatorStage& stage) {
  return std::make_shared<Bicubic>(static_cast<int>(stage.numbers.at("factor")));
}

}  // namespace reddiff
