// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Bicubic reductions of long axes, where no whole matrix is made, against whole matrices in double precision.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/api/abort.h"
#include "core/operators/axis_matrix.h"
#include "tests/core/operator_helpers.h"

namespace reddiff {
namespace {

constexpr std::int64_t longest = AxisMatrix::longest_short_axis;

// The definition: row i holds k((j + 1/2)/K - (i + 1/2)), scaled to sum one.
at::Tensor definition(std::int64_t rows, int factor) {
  const at::Tensor j = (at::arange(rows * factor, at::kDouble) + 0.5) / factor;
  const at::Tensor d = (j.unsqueeze(0) - (at::arange(rows, at::kDouble) + 0.5).unsqueeze(1)).abs();
  const at::Tensor near = ((1.5 * d - 2.5) * d) * d + 1, far = ((-0.5 * d + 2.5) * d - 4) * d + 2;
  const at::Tensor k = at::where(d < 1, near, at::where(d < 2, far, at::zeros_like(d)));
  return k / k.sum(1, true);
}

// G of Note [Start of bicubic].
at::Tensor right_inverse(const at::Tensor& a) {
  const at::Tensor b = a.t() / a.sum(0).unsqueeze(1), miss = at::eye(a.size(0), at::kDouble) - at::matmul(a, b);
  return b + at::matmul(a.t(), at::linalg_solve(at::matmul(a, a.t()), miss));
}

at::Tensor both(const at::Tensor& down, const at::Tensor& x, const at::Tensor& across) {
  return at::matmul(at::matmul(down, x), across.t());
}

// z + H^T (H H^T + rho)^-1 (y - H z) by the eigenvectors of both axes.
class Prox {
 public:
  Prox(const at::Tensor& down, const at::Tensor& across) : v_(down), h_(across) {
    std::tie(v_values_, v_vectors_) = at::linalg_eigh(at::matmul(v_, v_.t()), "L");
    std::tie(h_values_, h_vectors_) = at::linalg_eigh(at::matmul(h_, h_.t()), "L");
  }
  at::Tensor operator()(const at::Tensor& z, const at::Tensor& y, double rho) const {
    const at::Tensor modes = both(v_vectors_.t(), y - both(v_, z, h_), h_vectors_.t());
    const at::Tensor s = modes / (at::outer(v_values_, h_values_) + rho);
    return z + both(v_.t(), both(v_vectors_, s, h_vectors_), h_.t());
  }

 private:
  at::Tensor v_, h_, v_values_, v_vectors_, h_values_, h_vectors_;
};

struct Case {
  int factor;
  ImageSize rows;
};

class LongBicubic : public testing::TestWithParam<Case> {
 protected:
  int factor = GetParam().factor;
  ImageSize rows = GetParam().rows;
  at::Tensor down = definition(rows.height, factor), across = definition(rows.width, factor);
  OperatorPtr op = make("bicubic:factor=" + std::to_string(factor));
  at::Tensor z = randn({1, 2, rows.height*factor, rows.width*factor}, 50),
             y = randn({1, 2, rows.height, rows.width}, 51);

  // Both precisions, relative to the largest value.
  void expect_same(const auto& work, const at::Tensor& truth, double tolerance) const {
    for (const auto type : {at::kDouble, at::kFloat}) {
      const at::Tensor got = work(z.to(type), y.to(type));
      EXPECT_EQ(got.scalar_type(), type);
      const double allowed = type == at::kDouble ? tolerance : std::max(tolerance, 2e-6);
      EXPECT_LT(largest(got.to(at::kDouble) - truth), allowed * largest(truth)) << type;
    }
  }
};

// Every factor; odd sizes; the first sizes that are long; the other axis short, and as short as can be.
std::vector<Case> cases() {
  std::vector<Case> list;
  for (int factor = 2; factor <= 8; ++factor) list.push_back({factor, {longest + 1, 3}});
  for (const ImageSize rows : {ImageSize{1, longest + 45}, ImageSize{2, 385}, ImageSize{longest + 3, longest + 6}})
    list.push_back({2, rows});
  return list;
}
INSTANTIATE_TEST_SUITE_P(Sizes, LongBicubic, testing::ValuesIn(cases()), [](const auto& instance) {
  const Case& c = instance.param;
  return "factor" + std::to_string(c.factor) + "_" + std::to_string(c.rows.height) + "x" + std::to_string(c.rows.width);
});

TEST_P(LongBicubic, ForwardAndAdjointAreTheMatrices) {
  expect_same([&](const at::Tensor& x, const at::Tensor&) { return op->forward(x); }, both(down, z, across), 1e-13);
  expect_same([&](const at::Tensor& x, const at::Tensor& r) { return op->vjp(x, r); }, both(down.t(), y, across.t()),
              1e-13);
}

TEST_P(LongBicubic, PseudoInverseIsTheMatrix) {
  expect_same([&](const at::Tensor&, const at::Tensor& r) { return op->pseudo_inverse(r); },
              both(right_inverse(down), y, right_inverse(across)), 1e-9);
}

TEST_P(LongBicubic, ProxIsExactAtAnyRho) {
  const Prox truth(down, across);
  for (const double rho : {1e-7, 1e-3, 0.03, 0.2, 30.0})
    expect_same([&](const at::Tensor& x, const at::Tensor& r) { return op->prox(x, r, {}, rho); }, truth(z, y, rho),
                5e-6);
}

// What a GPU does.
TEST_P(LongBicubic, StepsAreTheProducts) {
  const auto forward = [&](std::int64_t units) { return definition(units, factor); };
  const auto adjoint = [&](std::int64_t units) { return definition(units, factor).t(); };
  const AxisMatrix reduce({1, factor, 2}, forward), enlarge({factor, 1, 2}, adjoint);
  const at::Tensor large = z[0].to(at::kFloat), reduced = y[0].to(at::kFloat);
  EXPECT_LT(largest(reduce.on_both_axes_by_steps(large) - reduce.on_both_axes(large)), 1e-5);
  EXPECT_LT(largest(enlarge.on_both_axes_by_steps(reduced) - enlarge.on_both_axes(reduced)), 1e-5);
}

TEST_P(LongBicubic, AutogradEqualsVjp) {
  const at::Tensor x = z.clone().requires_grad_(true);
  op->forward(x).backward(y);
  EXPECT_LT(largest(x.grad() - op->vjp(z, y)), 1e-12);
}

TEST_P(LongBicubic, BatchesDoNotInteract) {
  const at::Tensor x = at::cat({z.flip(2), z}).to(at::kFloat), r = at::cat({y.flip(3), y}).to(at::kFloat);
  const auto second = [](const at::Tensor& t) { return t.narrow(0, 1, 1); };
  EXPECT_TRUE(at::equal(second(op->prox(x, r, {}, 0.01)), op->prox(second(x).clone(), second(r).clone(), {}, 0.01)));
  EXPECT_TRUE(at::equal(second(op->pseudo_inverse(r)), op->pseudo_inverse(second(r).clone())));
}

TEST_P(LongBicubic, StopsWhenItShall) {
  const std::atomic<bool> flag = true;
  const AbortScope scope(&flag);
  for (const std::function<void()>& work :
       {std::function<void()>([&] { op->forward(z); }), std::function<void()>([&] { op->vjp(z, y); }),
        std::function<void()>([&] { op->pseudo_inverse(y); }), std::function<void()>([&] { op->prox(z, y, {}, 1); })}) {
    try {
      work();
      FAIL() << "it went on";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::aborted);
    }
  }
}

}  // namespace
}  // namespace reddiff
