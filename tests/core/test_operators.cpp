// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every operator against its definition: traits, adjoint, autograd, prox, rho, pseudo-inverse, batch invariance. The loops run over
// the examples of every kind and some compositions, so a new kind cannot stay untested.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "tests/core/operator_helpers.h"

namespace reddiff {
namespace {

std::vector<std::string> texts() {
  std::vector<std::string> all = examples_of_all_kinds();
  for (const char* composition :
       {"gaussian-blur:sigma=1.6+bicubic:factor=4", "bicubic:factor=2+gray", "gray+bicubic:factor=2+gray",
        "motion-blur:length=5:angle=50+average-pool:factor=3+gray+box-blur:size=3",
        "average-pool:factor=2+bicubic:factor=2", "bicubic:factor=2+quantise:bits=3", "gray+hdr:gain=3",
        "average-pool:factor=2+jpeg:quality=40"})
    all.push_back(composition);
  return all;
}

class EveryOperator : public testing::TestWithParam<std::string> {
 protected:
  // Sizes of the measurement: one pixel, flat ones, sizes smaller and larger than kernels and than the blocks of blur.cpp.
  std::vector<ImageSize> sizes() const {
    std::vector<ImageSize> list{{1, 1}, {1, 4}, {3, 2}, {5, 7}, {8, 8}};
    if (op->factor() == 1) list.insert(list.end(), {{13, 17}, {43, 85}});
    return list;
  }
  at::Tensor picture(ImageSize size, std::int64_t n, std::uint64_t seed, at::ScalarType type = at::kDouble) const {
    return randn({n, 3, size.height * op->factor(), size.width * op->factor()}, seed, type);
  }
  at::Tensor measurement(ImageSize size, std::int64_t n, std::uint64_t seed, at::ScalarType type = at::kDouble) const {
    return randn({n, op->channels(), size.height, size.width}, seed, type);
  }
  at::Tensor mask(ImageSize size, std::int64_t n, std::uint64_t seed, at::ScalarType type = at::kDouble) const {
    return (randn({n, 1, size.height, size.width}, seed) > 0).to(type);
  }

  OperatorPtr op = make(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Texts, EveryOperator, testing::ValuesIn(texts()));

// Whether prox is a formula, exact for every rho, and not an iteration. What is not known here is asked for less.
bool closed_prox(const std::string& text, bool weights) {
  if (text.find('+') != std::string::npos) return false;
  const auto is = [&](const char* name) { return text.starts_with(name); };
  if (is("identity") || is("gray") || is("average-pool")) return true;
  return !weights &&
         (is("bicubic") || is("gaussian-blur") || is("box-blur") || (is("motion-blur") && !text.ends_with("angle=30")));
}

TEST_P(EveryOperator, ShapesAndFactor) {
  EXPECT_EQ(op->factor(), parse_operator(GetParam()).factor());
  for (const auto size : sizes()) {
    const at::Tensor x = picture(size, 2, 1), y = measurement(size, 2, 2);
    EXPECT_EQ(op->forward(x).sizes(), y.sizes()) << GetParam();
    EXPECT_EQ(op->vjp(x, y).sizes(), x.sizes()) << GetParam();
    EXPECT_EQ(op->pseudo_inverse(y).sizes(), x.sizes()) << GetParam();
    const auto* proximal = op->proximal();
    EXPECT_TRUE(!proximal || proximal->prox(x, y, {}, 1).sizes() == x.sizes()) << GetParam();
    EXPECT_EQ(op->forward(x.to(at::kFloat)).scalar_type(), at::kFloat);
  }
}

// The traits that decide what may be done with a kind, against what its operators do.
TEST_P(EveryOperator, HasItsTraits) {
  const OperatorSpec spec = parse_operator(GetParam());
  const auto same = [](const at::Tensor& a, const at::Tensor& b) {
    return a.sizes() == b.sizes() && largest(a - b) < 1e-11 * (1 + largest(a));
  };
  const at::Tensor u = picture({6, 5}, 1, 40), v = picture({6, 5}, 1, 41);
  const bool adds = same(op->forward(0.3 * u - 2 * v), 0.3 * op->forward(u) - 2 * op->forward(v));
  EXPECT_EQ(spec.linear(), adds) << GetParam();
  EXPECT_EQ(op->linear(), adds) << GetParam();
  EXPECT_EQ(op->proximal() != nullptr, adds) << GetParam();

  const bool colours = op->channels() == 3 && same(op->forward(u.flip(1)), op->forward(u).flip(1)) &&
                       same(op->forward(u.roll(1, 1)), op->forward(u).roll(1, 1));
  EXPECT_EQ(spec.keeps_colour(), colours) << GetParam();

  // Moved by one pixel along both axes; as far from the borders as no kernel of the examples reaches.
  constexpr std::int64_t side = 96, border = 32;
  const at::Tensor scene = randn({1, 3, side + 1, side + 1}, 42);
  const at::Tensor here = op->forward(scene.narrow(2, 0, side).narrow(3, 0, side));
  const at::Tensor moved = op->forward(scene.narrow(2, 1, side).narrow(3, 1, side));
  const std::int64_t margin = border / op->factor(), inner = here.size(2) - 2 * margin;
  const auto middle = [&](const at::Tensor& x, std::int64_t first) {
    return x.narrow(2, first, inner).narrow(3, first, inner);
  };
  EXPECT_EQ(spec.shift_equivariant(), same(middle(here, margin + 1), middle(moved, margin))) << GetParam();
}

// Matrices and kernels whose tails decay into denormal numbers would make every frame slow on some processors. The impulse is large
// because an axis alone may well have taps that only their product makes denormal.
TEST_P(EveryOperator, MakesNoDenormalNumbers) {
  const ImageSize size{9, 240};
  auto y = at::zeros({1, op->channels(), size.height, size.width}, at::kFloat);
  y.select(3, 3).select(2, 4).fill_(1e6);
  auto x = at::zeros({1, 3, size.height * op->factor(), size.width * op->factor()}, at::kFloat);
  x.select(3, 3).select(2, 4).fill_(1e6);
  for (const auto& result : {op->forward(x), op->vjp(x, y), op->pseudo_inverse(y)}) {
    const auto size_of = result.abs();
    const auto denormal = at::logical_and(size_of > 0, size_of < std::numeric_limits<float>::min());
    EXPECT_FALSE(denormal.any().item<bool>()) << GetParam();
  }
}

TEST_P(EveryOperator, AdjointHasTheSameInnerProduct) {
  if (!op->linear()) GTEST_SKIP() << "not linear";
  for (const auto type : {at::kDouble, at::kFloat}) {
    for (const auto size : sizes()) {
      const at::Tensor u = picture(size, 2, 3, type), r = measurement(size, 2, 4, type);
      const at::Tensor hu = op->forward(u).to(at::kDouble), htr = op->vjp(u, r).to(at::kDouble);
      const double left = number((hu * r).sum()), right = number((u * htr).sum());
      const double scale = number(hu.norm() * r.to(at::kDouble).norm()) + number(u.to(at::kDouble).norm() * htr.norm());
      EXPECT_NEAR(left, right, scale * (type == at::kDouble ? 1e-13 : 1e-6))
          << GetParam() << " " << size.height << "x" << size.width;
    }
  }
}

TEST_P(EveryOperator, VjpEqualsAutograd) {
  if (!op->linear()) GTEST_SKIP() << "not linear";
  for (const auto size : sizes()) {
    const at::Tensor x = picture(size, 2, 5).requires_grad_(true), r = measurement(size, 2, 6);
    op->forward(x).backward(r);
    EXPECT_LT(largest(x.grad() - op->vjp(x.detach(), r)), 1e-12)
        << GetParam() << " " << size.height << "x" << size.width;
  }
}

// Of an operator that rounds or clips: its slope, through the linear operators before it; and nothing where x gives y.
TEST_P(EveryOperator, VjpIsStraightThroughWhereThatRoundsOrClips) {
  if (op->linear()) GTEST_SKIP() << "a derivative";
  const auto spec = with_test_files(GetParam());
  const auto& last = spec.stages.back();
  const double slope = last.name == "hdr" ? last.numbers.at("gain") : 1;
  const auto* face = op->intervals();
  ASSERT_NE(face, nullptr);
  EXPECT_EQ(face->linear != nullptr, spec.stages.size() > 1) << GetParam();
  for (const auto size : sizes()) {
    const at::Tensor x = picture(size, 2, 5), r = measurement(size, 2, 6);
    const at::Tensor expected = face->linear ? face->linear->vjp(x, slope * r) : slope * r;
    EXPECT_LT(largest(op->vjp(x, r) - expected), 1e-12) << GetParam();
    const at::Tensor y = op->forward(x);
    EXPECT_EQ(largest(op->vjp(x, op->forward(x) - y)), 0) << GetParam();
  }
}

TEST_P(EveryOperator, ConstantsMadeInInferenceModeServeABackwardPass) {
  if (!op->linear()) GTEST_SKIP() << "not linear";
  const at::Tensor x = picture({4, 5}, 1, 7), r = measurement({4, 5}, 1, 8);
  {
    const c10::InferenceMode guard;
    op->forward(x);
    op->vjp(x, r);
  }
  const at::Tensor leaf = x.clone().requires_grad_(true);
  op->forward(leaf).backward(r);
  EXPECT_LT(largest(leaf.grad() - op->vjp(x, r)), 1e-12);
}

TEST_P(EveryOperator, ConstantsStayConstant) {
  if (!op->linear()) GTEST_SKIP() << "not linear";
  for (const auto size : sizes()) {
    const at::Tensor x = at::full({1, 3, size.height * op->factor(), size.width * op->factor()}, 0.7f);
    EXPECT_LT(largest(op->forward(x) - 0.7), 3e-6) << GetParam();  // 256 float terms in a row: 1.7e-6
    EXPECT_LT(largest(op->pseudo_inverse(op->forward(x)) - 0.7), 5e-6) << GetParam();
  }
}

// The minimum of |H x - y|^2_w + rho |x - z|^2 is where H^T W (H x - y) + rho (x - z) vanishes.
TEST_P(EveryOperator, ProxIsTheMinimum) {
  if (!op->proximal()) GTEST_SKIP() << "the operator has no proximal map";
  for (const auto size : {ImageSize{1, 1}, ImageSize{3, 2}, ImageSize{8, 9}}) {
    const at::Tensor z = picture(size, 2, 9), y = measurement(size, 2, 10),
                     nothing = at::zeros({2, 1, size.height, size.width}, at::kDouble);
    for (const at::Tensor& w : {at::Tensor(), mask(size, 2, 11)}) {
      const auto gradient = [&](const at::Tensor& x, double rho) {
        const at::Tensor miss = op->forward(x) - y;
        return op->vjp(x, w.defined() ? miss * w : miss) + rho * (x - z);
      };
      for (const double rho : {0.3, 2.0}) {
        const at::Tensor x = op->prox(z, y, w, rho);
        // Eight conjugate gradients: the bound is 2 (0.44^8) for the condition number (1 + 0.3)/0.3 and eigenvalues up to 1.
        EXPECT_LE(number(gradient(x, rho).norm()), 3e-3 * number(gradient(z, rho).norm()))
            << GetParam() << " rho " << rho;
      }
      if (closed_prox(GetParam(), w.defined())) {
        for (const double rho : {1e-4, 0.01})
          EXPECT_LE(largest(gradient(op->prox(z, y, w, rho), rho)), 1e-12) << GetParam() << " rho " << rho;
      }
    }
    EXPECT_TRUE(at::equal(op->prox(z, y, nothing, 1), z)) << GetParam();
  }
}

// The small rho of deblurring a picture with little noise, on pictures of noise, the hardest ones. `left` is what may remain of
// the distance from z to the minimum: rounding in float32 for closed forms; for the others what 8 conjugate gradients without
// a preconditioner miss by far.
TEST(Operators, ProxOfBlursHoldsForSmallRho) {
  struct Case {
    std::string text;
    double rho, left;
  };
  const Case cases[] = {{"gaussian-blur:sigma=1.6", 1e-4, 2e-6},
                        {"gaussian-blur:sigma=6", 1e-4, 2e-6},
                        {"box-blur:size=9", 1e-4, 2e-6},
                        {"motion-blur:length=7:angle=90", 1e-4, 2e-6},
                        {"kernel:file=\"" + data_file("kernel_5x3.txt") + "\"", 1e-3, 0.15},
                        {"motion-blur:length=9:angle=30", 1e-3, 0.15},
                        {"motion-blur:length=9:angle=30", 0.03, 0.04}};
  for (const auto& [text, rho, left] : cases) {
    const OperatorPtr op = make(text);
    constexpr std::int64_t height = 18, width = 21, n = height * width;
    const at::Tensor h = op->forward(at::eye(n, at::kDouble).view({n, 1, height, width})).reshape({n, n}).t();
    const at::Tensor z = randn({1, 1, height, width}, 30), y = randn({1, 1, height, width}, 31);
    const at::Tensor normal = at::matmul(h.t(), h) + rho * at::eye(n, at::kDouble);
    const at::Tensor right = at::matmul(h.t(), y.reshape({n, 1})) + rho * z.reshape({n, 1});
    const at::Tensor truth = at::linalg_solve(normal, right).view_as(z), way = (z - truth).norm();
    const auto missed = [&](const at::Tensor& x) { return number((x.to(at::kDouble) - truth).norm() / way); };
    EXPECT_LE(missed(op->prox(z.to(at::kFloat), y.to(at::kFloat), {}, rho)), left) << text << " rho " << rho;
    EXPECT_GE(missed(op->Operator::prox(z, y, {}, rho)), 1.5 * left) << text << ": the case is too easy";
  }
}

// The same for what is solved on the measurement's grid.
TEST(Operators, ProxOfReductionsHoldsForSmallRho) {
  struct Case {
    const char* text;
    bool holes;
    double rho, left;
  };
  const Case cases[] = {{"gaussian-blur:sigma=1.6+bicubic:factor=2", false, 1e-4, 0.02},
                        {"gaussian-blur:sigma=2+average-pool:factor=2", false, 1e-4, 0.02},
                        {"motion-blur:length=9:angle=30+bicubic:factor=2", false, 1e-3, 0.2},
                        {"gaussian-blur:sigma=1.6+bicubic:factor=2", true, 1e-3, 0.02}};
  for (const auto& [text, holes, rho, left] : cases) {
    const OperatorPtr op = make(text);
    const std::int64_t h = 12, w = 14, k = op->factor(), n = h * k * w * k;
    const at::Tensor matrix = op->forward(at::eye(n, at::kDouble).view({n, 1, h * k, w * k})).reshape({n, h * w}).t();
    const at::Tensor z = randn({1, 1, h * k, w * k}, 30), y = randn({1, 1, h, w}, 31);
    const at::Tensor known = holes ? (randn({1, 1, h, w}, 32) > -0.5).to(at::kDouble) : at::Tensor();
    const at::Tensor rows = (holes ? known : at::ones({h * w}, at::kDouble)).reshape({h * w, 1});
    const at::Tensor normal = at::matmul(matrix.t(), matrix * rows) + rho * at::eye(n, at::kDouble);
    const at::Tensor right = at::matmul(matrix.t(), y.reshape({h * w, 1}) * rows) + rho * z.reshape({n, 1});
    const at::Tensor truth = at::linalg_solve(normal, right).view_as(z), way = (z - truth).norm();
    const auto missed = [&](const at::Tensor& x) { return number((x.to(at::kDouble) - truth).norm() / way); };
    const at::Tensor weights = holes ? known.to(at::kFloat) : known;
    EXPECT_LE(missed(op->prox(z.to(at::kFloat), y.to(at::kFloat), weights, rho)), left) << text << " rho " << rho;
    EXPECT_GE(missed(op->Operator::prox(z, y, known, rho)), 1.5 * left) << text << ": the case is too easy";
  }
}

TEST_P(EveryOperator, PseudoInverseReducesToTheMeasurementWhereItSaysSo) {
  if (GetParam().find('+') != std::string::npos || !op->linear() ||
      (op->factor() == 1 && GetParam() != "identity" && GetParam() != "gray"))
    GTEST_SKIP() << "a customary inverse";
  for (const auto size : sizes()) {
    const at::Tensor y = measurement(size, 2, 12);
    EXPECT_LT(largest(op->forward(op->pseudo_inverse(y)) - y), 1e-12) << GetParam();
    EXPECT_LT(largest(op->forward(op->pseudo_inverse(y.to(at::kFloat))) - y), 2e-5) << GetParam();
  }
  // The pseudo-inverse, which is the limit of prox from zero; for bicubic away from the borders only.
  const at::Tensor y = measurement({24, 22}, 1, 13), start = op->pseudo_inverse(y);
  const at::Tensor miss = op->prox(at::zeros_like(start), y, {}, 1e-9) - start;
  const std::int64_t border = GetParam().starts_with("bicubic") ? 8 * op->factor() : 0;
  const auto inside = miss.narrow(2, border, miss.size(2) - 2 * border).narrow(3, border, miss.size(3) - 2 * border);
  EXPECT_LT(largest(inside), border ? 1e-4 : 1e-6) << GetParam();
}

// H as a matrix, from the answers to unit impulses on its smaller side (AdjointHasTheSameInnerProduct ties both together).
at::Tensor dense(const Operator& op, std::int64_t side) {
  const std::int64_t n = 3 * side * side;
  if (op.factor() == 1) return op.forward(at::eye(n, at::kDouble).view({n, 3, side, side})).reshape({n, -1}).t();
  const std::int64_t small = side / op.factor(), m = op.channels() * small * small;
  const at::Tensor impulses = at::eye(m, at::kDouble).view({m, op.channels(), small, small});
  return op.vjp(at::zeros({m, 3, side, side}, at::kDouble), impulses).reshape({m, n});
}

// The eigenvalues of H^T H but for zeros, and how many there are with them.
struct Spectrum {
  at::Tensor nonzero;
  double count;
  double rho(double q) const {
    const at::Tensor l = nonzero * q;
    return number((l / (1 + l)).sum()) / count;
  }
};

Spectrum spectrum(const Operator& op, std::int64_t side) {
  const at::Tensor h = dense(op, side);
  const at::Tensor small = h.size(0) <= h.size(1) ? at::matmul(h, h.t()) : at::matmul(h.t(), h);
  return {at::linalg_eigvalsh(small, "L").clamp_min(0), static_cast<double>(h.size(1))};
}

double rho_at(const Operator& op, double q) { return number(op.rho(at::full({1, 1, 1, 1}, q, at::kDouble))); }

TEST_P(EveryOperator, RhoIsTheMeanOverTheEigenvalues) {
  if (!op->linear()) GTEST_SKIP() << "not linear";
  const bool exact = closed_prox(GetParam(), true);  // rows are orthogonal: rho has a closed form, too
  const Spectrum truth = spectrum(*op, op->factor() * std::max(1, 8 / op->factor()));
  for (const double q : {0.01, 1.0, 100.0, 1e4}) {
    // The other operators give the value of a larger picture; on 8x8 pixels borders count for more.
    const double tolerance = exact ? 1e-12 : 0.1;
    EXPECT_NEAR(rho_at(*op, q), truth.rho(q), tolerance * q / (1 + q)) << GetParam() << " q " << q;
  }
  const at::Tensor q = at::cat({at::zeros({1}), at::logspace(-8, 10, 200)}).view({1, 1, 3, 67}), rho = op->rho(q);
  EXPECT_EQ(rho.sizes(), q.sizes());
  EXPECT_EQ(number(rho.min()), 0);
  EXPECT_TRUE((rho <= q / (1 + q) * 1.000001).all().item<bool>()) << GetParam();
  EXPECT_TRUE((rho.flatten().diff() >= -1e-6).all().item<bool>()) << GetParam();
}

TEST(Operators, TabulatedRhoIsExactOnItsOwnPicture) {
  for (const char* text : {"bicubic:factor=4", "gray+bicubic:factor=6", "box-blur:size=3+average-pool:factor=4"}) {
    const OperatorPtr op = make(text);
    const Spectrum truth = spectrum(*op, 24);
    for (const double q : {1e-3, 0.37, 12.0, 3e3})
      EXPECT_NEAR(rho_at(*op, q), truth.rho(q), 1e-3 * truth.rho(q)) << text << " q " << q;
  }
}

TEST(Operators, GaussianRhoIsTheLimitOfLargePictures) {
  for (const double sigma : {0.8, 1.6, 3.0}) {
    const OperatorPtr op = make("gaussian-blur:sigma=" + std::to_string(sigma));
    // Pictures of one row: the blur along it. The blur of a square picture has the products as eigenvalues.
    constexpr std::int64_t side = 128;
    const at::Tensor row = op->forward(at::eye(side, at::kDouble).view({side, 1, 1, side})).reshape({side, side});
    const at::Tensor l = at::linalg_eigvalsh(at::matmul(row, row.t()), "L").clamp_min(0);
    const Spectrum truth{at::outer(l, l), static_cast<double>(side * side)};
    for (const double q : {0.01, 1.0, 100.0})
      EXPECT_NEAR(rho_at(*op, q), truth.rho(q), 0.1 * truth.rho(q)) << "sigma " << sigma << " q " << q;
  }
}

TEST_P(EveryOperator, BatchesDoNotInteract) {
  for (const ImageSize size : {ImageSize{1, 1}, ImageSize{9, 14}, ImageSize{36, 50}}) {
    if (size.height * op->factor() > 300) continue;
    const at::Tensor x = picture(size, 3, 13, at::kFloat), y = measurement(size, 3, 14, at::kFloat),
                     w = mask(size, 3, 15, at::kFloat);
    const at::Tensor hx = op->forward(x), htr = op->vjp(x, y), start = op->pseudo_inverse(y);
    const auto* proximal = op->proximal();
    const at::Tensor prox = proximal ? proximal->prox(x, y, {}, 0.2) : at::Tensor(),
                     holes = proximal ? proximal->prox(x, y, w, 0.02) : at::Tensor();
    for (std::int64_t i = 0; i < 3; ++i) {
      // Copies, so that the images also lie elsewhere in memory.
      const auto one = [i](const at::Tensor& t) { return t.narrow(0, i, 1).clone(); };
      EXPECT_TRUE(at::equal(op->forward(one(x)), one(hx))) << GetParam();
      EXPECT_TRUE(at::equal(op->vjp(one(x), one(y)), one(htr))) << GetParam();
      EXPECT_TRUE(at::equal(op->pseudo_inverse(one(y)), one(start))) << GetParam();
      if (!proximal) continue;
      EXPECT_TRUE(at::equal(op->prox(one(x), one(y), {}, 0.2), one(prox))) << GetParam();
      EXPECT_TRUE(at::equal(op->prox(one(x), one(y), one(w), 0.02), one(holes))) << GetParam();
    }
  }
}

TEST_P(EveryOperator, RefusesSizesThatDoNotDivide) {
  const std::int64_t k = op->factor();
  if (k == 1) GTEST_SKIP() << "every size divides";
  try {
    op->forward(at::zeros({1, 3, 2 * k, 2 * k + 1}));
    FAIL() << GetParam();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::settings);
    EXPECT_NE(std::string(error.what()).find("multiples of " + std::to_string(k)), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace reddiff
