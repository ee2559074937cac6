// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reduction by a whole factor K: along each axis, output i is the mean of the inputs j weighted by k((j + 1/2)/K - (i + 1/2)), k
// the Keys kernel with a = -1/2 (support 2, so 4K inputs: antialiased); inputs beyond the border do not exist and the weights of
// a row sum to one. That is PIL's BICUBIC for output = input/K. A is this matrix for one axis.
#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "core/operators/axis_matrix.h"
#include "core/operators/dual_prox.h"
#include "core/operators/operators.h"
#include "core/operators/per_image.h"
#include "core/operators/separable_spectrum.h"
#include "core/operators/spectral_rho.h"
#include "core/operators/tensor_cache.h"

namespace reddiff {
namespace {

double keys(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

// A: [rows, rows * factor], double.
at::Tensor bicubic_matrix(std::int64_t rows, int factor) {
  const std::int64_t length = rows * factor;
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

// Note [Start of bicubic]: the picture of least energy that reduces to y, A^+ y with A^+ = A^T (A A^T)^-1 along each axis,
// fades towards mid-gray at the borders (to 0.71 of a constant at factor 4, 0.63 at factor 8), because the renormalised rows
// there do not sum up to a constant. So the start is G = B + A^+ (I - A B): B interpolates with the rows of A^T scaled to sum
// one, then what B misses is added back. A G = I still, constants stay constant, and away from the borders G is A^+, since
// there B = K A^T has no part in the null space of A.
at::Tensor right_inverse(std::int64_t rows, int factor) {
  const at::Tensor a = bicubic_matrix(rows, factor), b = a.t() / a.sum(0).unsqueeze(1);
  const at::Tensor miss = at::eye(rows, at::kDouble) - at::matmul(a, b);
  const at::Tensor g = b + at::matmul(a.t(), at::linalg_solve(at::matmul(a, a.t()), miss));
  // Its rows decay into denormal numbers, with which some processors multiply twenty times as slowly.
  return at::where(g.abs() < 1e-18, 0.0, g);
}

// {S, U} of A A^T = U diag(S) U^T.
std::pair<at::Tensor, at::Tensor> eigen_of(std::int64_t rows, int factor) {
  const at::Tensor a = bicubic_matrix(rows, factor);
  const auto [values, vectors] = at::linalg_eigh(at::matmul(a, a.t()), "L");
  return {values, vectors};
}

// Note [Inverse by powers]: (X + rho)^-1 for X = T x T', the products of A A^T along both axes, without eigenvectors, which cost the
// cube of an axis. 1/(x + rho) is close to a sum of c_p x^p over a few fixed p, because the eigenvalues x K^2 of X K^2 all lie
// between .22 and 1.06; X^p is T^p along each axis; and T^p has entries near its diagonal only: at 20 rows they are below 1e-9.
// Only the numbers c_p depend on rho. The error is at most 3e-6 of the result at any rho.
constexpr std::array<double, 7> powers{-2, -1.5, -1, -0.5, 0, 0.5, 1};
std::int64_t reach_of(double power) { return power == 1 ? 3 : 20; }
constexpr double least_eigenvalue = 0.22, largest_eigenvalue = 1.06;

at::Tensor power_of(double power, std::int64_t rows, int factor) {
  const auto [values, vectors] = eigen_of(rows, factor);
  return at::matmul(vectors * (values * factor).pow(power), vectors.t());
}

// c_p: what makes the sum exact at as many places, those of Chebyshev over log x. rho is that of X K^2.
std::array<double, powers.size()> coefficients_of_powers(double rho) {
  constexpr auto count = static_cast<std::int64_t>(powers.size());
  const double low = std::log(least_eigenvalue), high = std::log(largest_eigenvalue);
  const at::Tensor angle = (at::arange(count, at::kDouble) + 0.5) * (M_PI / static_cast<double>(count));
  const at::Tensor x = (angle.cos() * ((high - low) / 2) + (high + low) / 2).exp().unsqueeze(1);
  const at::Tensor exponents = at::tensor(at::ArrayRef<double>(powers.data(), powers.size()), at::kDouble);
  const at::Tensor solution = at::linalg_solve(x.pow(exponents) * (x + rho), at::ones({count}, at::kDouble));
  std::array<double, powers.size()> coefficients;
  std::copy_n(solution.const_data_ptr<double>(), powers.size(), coefficients.begin());
  return coefficients;
}

class Bicubic : public Operator {
 public:
  explicit Bicubic(int factor)
      : factor_(factor),
        reduce_({1, factor, 2}, [factor](std::int64_t rows) { return bicubic_matrix(rows, factor); }),
        adjoint_({factor, 1, 2}, [factor](std::int64_t rows) { return bicubic_matrix(rows, factor).t(); }),
        inverse_({factor, 1, 20}, [factor](std::int64_t rows) { return right_inverse(rows, factor); }) {
    for (std::size_t i = 0; i < powers.size(); ++i)
      powers_[i] = std::make_unique<AxisMatrix>(
          AxisMatrix::Shape{1, 1, reach_of(powers[i])},
          [factor, power = powers[i]](std::int64_t rows) { return power_of(power, rows, factor); });
  }

  int factor() const override { return factor_; }
  bool separable() const override { return true; }
  const Spectrum* spectrum() const override { return &spectrum_; }

  at::Tensor forward(const at::Tensor& x) const override {
    require_multiple(x, factor_);
    return apply(reduce_, x);
  }

  at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const override { return apply(adjoint_, r); }

  // See Note [Start of bicubic].
  at::Tensor pseudo_inverse(const at::Tensor& y) const override { return apply(inverse_, y); }

  // x = z + H^T (H H^T + rho)^-1 (y - H z). Weights break that form.
  at::Tensor prox(const at::Tensor& z, const at::Tensor& y, const at::Tensor& w, double rho) const override {
    if (w.defined()) return dual_prox_(*this, z, y, w, rho);
    const at::Tensor miss = y - forward(z);
    const bool is_short = std::max(miss.size(2), miss.size(3)) <= AxisMatrix::longest_short_axis;
    return z + vjp(z, is_short ? solved_in_modes(miss, rho) : solved_by_powers(miss, rho));
  }

  at::Tensor rho(const at::Tensor& q) const override { return spectral_rho_(*this, q); }

 private:
  static at::Tensor apply(const AxisMatrix& matrix, const at::Tensor& x) {
    return per_image(x.size(0), [&](std::int64_t i) {
      return matrix.on_both_axes(image(x, i).squeeze(0).contiguous()).unsqueeze(0);
    });
  }

  // (H H^T + rho)^-1 is diagonal in the eigenvectors U of A A^T of both axes.
  at::Tensor solved_in_modes(const at::Tensor& miss, double rho) const {
    const auto vertical = eigen(miss.size(2), miss), horizontal = eigen(miss.size(3), miss);
    const at::Tensor denominator = vertical[0].unsqueeze(1) * horizontal[0].unsqueeze(0) + rho;
    const auto turned = [&](const at::Tensor& rows, const at::Tensor& x, const at::Tensor& columns) {
      const std::int64_t channels = x.size(1), height = rows.size(0);
      return per_image(x.size(0), [&](std::int64_t i) {
        const at::Tensor across = at::matmul(image(x, i).squeeze(0).contiguous(), columns.t());
        return at::bmm(rows.unsqueeze(0).expand({channels, height, height}), across).unsqueeze(0);
      });
    };
    return turned(vertical[1], turned(vertical[1].t(), miss, horizontal[1].t()) / denominator, horizontal[1]);
  }

  // See Note [Inverse by powers].
  at::Tensor solved_by_powers(const at::Tensor& miss, double rho) const {
    const double scale = static_cast<double>(factor_) * factor_;
    const auto coefficients = coefficients_of_powers(rho * scale);
    at::Tensor sum;
    for (std::size_t i = 0; i < powers.size(); ++i) {
      const at::Tensor term = powers[i] == 0 ? miss : apply(*powers_[i], miss);
      sum = sum.defined() ? at::add(sum, term, coefficients[i] * scale) : term * (coefficients[i] * scale);
    }
    return sum;
  }

  std::vector<at::Tensor> eigen(std::int64_t rows, const at::Tensor& like) const {
    return eigen_.get(rows, like, [&] {
      const auto [values, vectors] = eigen_of(rows, factor_);
      return std::vector<at::Tensor>{values, vectors};
    });
  }

  int factor_;
  AxisMatrix reduce_, adjoint_, inverse_;
  std::array<std::unique_ptr<AxisMatrix>, powers.size()> powers_;
  mutable TensorCache eigen_;  // by rows
  DualProx dual_prox_;
  SpectralRho spectral_rho_;
  SeparableSpectrum spectrum_{*this};
};

}  // namespace

OperatorPtr make_bicubic(const OperatorStage& stage) {
  return std::make_shared<Bicubic>(static_cast<int>(stage.numbers.at("factor")));
}

}  // namespace reddiff
