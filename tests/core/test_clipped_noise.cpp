// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Noise that ended at black and white, against sums over its distribution and against samples of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/frame/clipped_noise.h"
#include "core/registry.h"
#include "core/solvers/ensemble.h"
#include "core/solvers/red_diff.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

// E[f(x + sv n)] by a sum over n.
template <typename Function> double expected(double x, double sv, Function f) {
  constexpr double step = 1e-3;
  double sum = 0;
  for (double n = -8; n < 8; n += step)
    sum += f(x + sv * (n + step / 2)) * std::exp(-(n + step / 2) * (n + step / 2) / 2) * step;
  return sum / std::sqrt(2 * std::numbers::pi);
}

double clip(double v) { return std::clamp(v, -1.0, 1.0); }

constexpr Clipping none, values{true, true, false}, averages{true, true, true}, black_of_averages{true, false, true};

at::Tensor one(double value) { return at::full({1, 1, 1, 1}, value); }

TEST(ClippedNoise, TheMeanLeadsBackToThePicture) {
  for (const double sv : {0.02, 0.2, 0.4, 0.8})
    for (const double x : {-1.0, -0.97, -0.8, -0.3, 0.0, 0.5, 0.9, 1.0}) {
      const double mean = expected(x, sv, clip);
      EXPECT_NEAR(mean_before_clipping(one(mean), sv, values).item<double>(), x, 1e-3) << sv << " " << x;
    }
  // What no picture gives is taken from the nearest that there is.
  EXPECT_EQ(mean_before_clipping(one(-1), 0.2, values).item<double>(), -1);
  EXPECT_EQ(mean_before_clipping(one(3), 0.2, values).item<double>(), 1);
}

// A prior that overflowed, or a solver that went astray: it shall be seen in the end, and take nothing else with it.
TEST(ClippedNoise, LeavesWhatIsNoNumberAsItIs) {
  const auto x = at::tensor({std::nan(""), 0.5, -1.0}).view({1, 1, 1, 3}), y = at::full({1, 1, 1, 3}, -1.0);
  for (const auto& found : {mean_before_clipping(x, 0.2, values), values_before_clipping(y, x, 0.2, values),
                            values_before_clipping(y, x, 0.2, averages)})
    EXPECT_TRUE(found.isnan().equal(x.isnan()));
}

TEST(ClippedNoise, ValuesGetBackTheMeanThatClippingTook) {
  for (const double sv : {0.05, 0.2, 0.6})
    for (const double x : {-1.0, -0.9, -0.4, 0.2, 0.95}) {
      const double low = expected(x, sv, [](double v) { return v < -1 ? v : 0; });
      const double low_share = expected(x, sv, [](double v) { return v < -1 ? 1 : 0; });
      if (low_share < 1e-4) continue;
      const auto before = values_before_clipping(one(-1), one(x), sv, values).item<double>();
      EXPECT_NEAR(before, low / low_share, 3e-3) << sv << " " << x;
      // Upside down it is the same.
      EXPECT_NEAR(values_before_clipping(one(1), one(-x), sv, values).item<double>(), -before, 1e-5);
    }
  const auto inside = noise({1, 3, 16, 16}, 1).clamp(-0.99, 0.99);
  EXPECT_TRUE(at::equal(values_before_clipping(inside, inside, 0.2, values), inside));
}

TEST(ClippedNoise, StaysBeyondTheLimitHoweverUnlikelyThePicture) {
  for (const double sv : {0.003, 0.02, 0.4})
    for (const double x : {-1.0, -0.5, 0.0, 1.0}) {
      const auto before = values_before_clipping(one(-1), one(x), sv, values).item<double>();
      EXPECT_LE(before, -1 + 1e-5) << sv << " " << x;
      EXPECT_GE(before, -1 - sv) << sv << " " << x;
    }
}

TEST(ClippedNoise, MixturesGetBackTheMeanThatClippingTook) {
  constexpr double sv = 0.3;
  for (const double x : {-1.0, -0.8, 0.1, 0.9}) {
    const double mean = expected(x, sv, clip);
    EXPECT_NEAR(values_before_clipping(one(mean), one(x), sv, averages).item<double>(), x, 1e-3) << x;
  }
}

// Studio range has room above white: what noise did there is left alone when it ended at black only.
TEST(ClippedNoise, AnEndThatDoesNotClipIsLeftAlone) {
  constexpr double sv = 0.2;
  for (const double x : {0.7, 0.95, 1.0, 1.09}) {
    EXPECT_NEAR(mean_before_clipping(one(x), sv, black_of_averages).item<double>(), x, 1e-5);
    EXPECT_NEAR(values_before_clipping(one(x), one(x), sv, black_of_averages).item<double>(), x, 1e-5);
    EXPECT_NEAR(values_before_clipping(one(x), one(x), sv, {true, false, false}).item<double>(), x, 1e-5);
  }
  const double mean = expected(-0.9, sv, clip);
  EXPECT_NEAR(mean_before_clipping(one(mean), sv, black_of_averages).item<double>(), -0.9, 1e-3);
  EXPECT_NEAR(values_before_clipping(one(mean), one(-0.9), sv, black_of_averages).item<double>(), -0.9, 1e-3);
}

TEST(ClippedNoise, IsToldFromNoiseThatIsNotClippedAndFromDetail) {
  constexpr double sv = 0.2;
  const auto dark = 0.1 * scene(96, 96, 3) - 0.9, n = sv * noise({1, 3, 96, 96}, 4);
  using Ends = std::pair<bool, bool>;  // black, white
  const auto ends = [](const at::Tensor& picture) {
    const auto evidence = clipping_evidence(picture, sv);
    return Ends{evidence.black.clipped(), evidence.white.clipped()};
  };
  EXPECT_EQ(ends((dark + n).clamp(-1, 1)), Ends(true, false));
  EXPECT_EQ(ends((-dark + n).clamp(-1, 1)), Ends(false, true));
  EXPECT_EQ(ends(dark + n), Ends(false, false));
  EXPECT_EQ(ends(dark), Ends(false, false));
  EXPECT_EQ(ends(dark + 0.3 * n), Ends(false, false)) << "the level is three times too high";
  EXPECT_EQ(ends((0.3 * scene(96, 96, 3) + n).clamp(-1, 1)), Ends(false, false));
  // Shadows that end at black beside highlights with headroom.
  EXPECT_EQ(ends(at::cat({(dark + n).clamp(-1, 1), -dark + n}, 3)), Ends(true, false));
  // The bars above and below a film.
  EXPECT_EQ(clipping_evidence(at::full({1, 3, 96, 96}, -1.0), sv).black.values, 0);
}

TEST(ClippedNoise, TheStepOfTheEvidenceIsItsOperators) {
  constexpr double sv = 0.2;
  const auto dark = 0.1 * scene(50, 70, 3) - 0.9;
  const auto picture = (at::cat({dark, -dark}, 3) + sv * noise({1, 3, 50, 140}, 4)).clamp(-1, 1);
  const auto expected = clipping_evidence(picture, sv), found = clipping_evidence_by_step(picture, sv);
  for (const auto end : {&ClippingEvidence::black, &ClippingEvidence::white}) {
    EXPECT_GT((expected.*end).values, 100);
    EXPECT_EQ((found.*end).values, (expected.*end).values);
    EXPECT_NEAR((found.*end).towards, (expected.*end).towards, 1e-3 * (expected.*end).towards);
    EXPECT_NEAR((found.*end).away, (expected.*end).away, 1e-3 * (expected.*end).away);
  }
}

// Tells the mean of its picture, whatever the level.
class MeanOfThePicture final : public Denoiser {
 public:
  at::Tensor denoise(const at::Tensor& u, const at::Tensor&) const override {
    return u.mean({2, 3}, true).expand(u.sizes()).contiguous();
  }
  double sigma_min() const override { return 0.003; }
  double sigma_max() const override { return 5; }
  bool per_pixel_sigma() const override { return true; }
  at::Device device() const override { return at::kCPU; }
  std::string description() const override { return "mean"; }
};

TEST(ClippedNoise, TheSolverFindsADarkSurface) {
  constexpr double x = -0.95, sv = 0.3;
  const auto found = [&](const Solver& solver, const Clipping& clipping, int steps) {
    const c10::InferenceMode guard;
    const auto y = (x + sv * noise({1, 3, 128, 128}, 6)).clamp(-1, 1);
    const Problem problem{make_operator(parse_operator("identity")), y, {}, make_clipped(sv, clipping)};
    Trace trace(at::kCPU);
    return solver.solve(MeanOfThePicture(), problem, {y, {}}, {steps, sv, sv}, trace).mu.mean().item<double>();
  };
  const Ensemble ensemble({}, 1);
  for (const int steps : {1, 2, 4}) {
    EXPECT_GT(found(ensemble, none, steps), x + 0.07) << steps;
    EXPECT_NEAR(found(ensemble, values, steps), x, 0.006) << steps;
  }
  // With a gradient of the data instead: that of the likelihood of clipped values. The Gaussian around 0 pulls a little.
  RedDiffOptions options;
  options.optimizer = Optimizer::sgd;
  options.prior_weight = 1e-3;
  options.learning_rate = 0.3;
  const RedDiff gradient(options, 1);
  EXPECT_GT(found(gradient, none, 40), x + 0.07);
  EXPECT_NEAR(found(gradient, values, 40), x, 0.02);
}

}  // namespace
}  // namespace reddiff
