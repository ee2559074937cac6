// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The solver against scalar oracles: a re-computation of the loop in double precision, and a Gaussian prior whose posterior
// mean is known.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/priors/dct_shrink.h"
#include "core/registry.h"
#include "core/solvers/red_diff.h"
#include "core/solvers/rng.h"
#include "core/solvers/schedule.h"
#include "core/solvers/symmetry.h"
#include "tests/core/fake_priors.h"

namespace reddiff {
namespace {

using testing::GaussianPrior;

at::Tensor picture(std::uint64_t seed, std::int64_t n, std::int64_t h, std::int64_t w) {
  std::vector<at::Tensor> images;
  for (std::int64_t i = 0; i < n; ++i) images.push_back(normal_field(seed, i, {1, 3, h, w}, at::kCPU) * 0.3);
  return at::cat(images);
}

Problem problem_of(const std::string& op, const at::Tensor& x, double noise) {
  Problem problem;
  problem.op = make_operator(parse_operator(op));
  problem.y = problem.op->forward(x) + noise * normal_field(77, 0, problem.op->forward(x).sizes(), at::kCPU);
  problem.noise = noise;
  return problem;
}

at::Tensor run(const Denoiser& prior, const Problem& problem, const SolverConfig& config, std::uint64_t seed = 5) {
  const c10::InferenceMode guard;
  const auto optimizer = make_optimizer(config);
  Start start;
  start.mu = problem.op->pseudo_inverse(problem.y);
  return red_diff(prior, problem, config, *optimizer, start, seed, nullptr, nullptr).mu;
}

SolverConfig stochastic(Optimizer optimizer) {
  SolverConfig config;
  config.optimizer = optimizer;
  config.steps = 12;
  config.start_level = 1;
  config.optimizer_epsilon = 0.05;
  config.learning_rate = optimizer == Optimizer::sgd || optimizer == Optimizer::lbfgs ? 0.02 : 0.05;
  return config;
}

SolverConfig fixed_point(int steps, double start_level, double end_level) {
  SolverConfig config;
  config.optimizer = Optimizer::fixed_point;
  config.renoise = Renoise::none;
  config.balance = Balance::noise;
  config.steps = steps;
  config.start_level = start_level;
  config.end_level = end_level;
  return config;
}

// Keeps what levels it was asked for.
class Listener final : public GaussianPrior {
 public:
  Listener() : GaussianPrior(0, 0.1) {}
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override {
    heard.push_back(sigma.clone());
    return GaussianPrior::denoise(u, sigma);
  }
  mutable std::vector<at::Tensor> heard;
};

// What starts below the schedule stays below it in proportion; what starts above it comes down to the same end.
TEST(RedDiff, ALevelPerPixelEndsWhereTheScheduleDoes) {
  const c10::InferenceMode guard;
  const auto problem = problem_of("gaussian-blur:sigma=1", picture(1, 1, 8, 8), 0.01);
  const auto config = fixed_point(3, 0.04, 0.02);
  Start start{problem.y, at::full({1, 1, 8, 8}, 0.04)};
  start.level[0][0][0][0] = 0.01;
  start.level[0][0][0][1] = 0.3;
  const Listener prior;
  const auto levels = red_diff(prior, problem, config, *make_optimizer(config), start, 5, nullptr, nullptr).levels;
  ASSERT_EQ(prior.heard.size(), 3u);
  const double way = std::log(levels[1] / 0.02) / std::log(2.0);
  for (int step = 0; step < 3; ++step) {
    const auto at = [&](int x) { return prior.heard[step][0][0][0][x].item<double>(); };
    EXPECT_NEAR(at(0), 0.01 * levels[step] / 0.04, 1e-7);
    EXPECT_NEAR(at(2), levels[step], 1e-7);
    EXPECT_NEAR(at(1), step == 0 ? 0.3 : step == 1 ? 0.02 * std::pow(15, way) : 0.02, 1e-6);
  }
}

TEST(RedDiff, ALevelPerPixelIsTheSameInEveryOrder) {
  const c10::InferenceMode guard;
  const auto problem = problem_of("gaussian-blur:sigma=1", picture(1, 1, 8, 8), 0.01);
  auto config = fixed_point(4, 0.2, 0.05);
  Start start{problem.y, at::rand({1, 1, 8, 8}) * 0.4};
  const Listener falling, rising;
  red_diff(falling, problem, config, *make_optimizer(config), start, 5, nullptr, nullptr);
  config.order = Order::ascending;
  red_diff(rising, problem, config, *make_optimizer(config), start, 5, nullptr, nullptr);
  for (std::size_t step = 0; step < 4; ++step)
    EXPECT_TRUE(at::equal(rising.heard[step], falling.heard[3 - step])) << step;
}

TEST(Schedule, HasTheDiffusionsLevels) {
  // Values of the linear-beta schedule that the literature quotes.
  EXPECT_NEAR(diffusion_level(0), 0.0100, 1e-4);
  EXPECT_NEAR(diffusion_level(99), 0.339, 1e-3);
  EXPECT_NEAR(diffusion_level(499), 3.42, 1e-2);
  EXPECT_NEAR(diffusion_level(999), 157, 1);
  for (double t : {0.0, 0.5, 17.25, 500.0, 998.9}) EXPECT_NEAR(diffusion_time(diffusion_level(t)), t, 1e-6);
}

TEST(Schedule, PaperListsEndAtZeroAndRoundTheSkipDown) {
  SolverConfig config;
  for (auto [asked, real] : {std::pair{10, 10}, {50, 50}, {75, 77}, {300, 334}, {600, 1000}}) {
    config.steps = asked;
    const auto levels = make_levels(config, 1e-4, 1e4, 0);
    EXPECT_EQ(static_cast<int>(levels.size()), real);
    EXPECT_DOUBLE_EQ(levels.back(), diffusion_level(0));
  }
  config.steps = 50;
  const auto cut = make_levels(config, 0.05, 5, 0);
  EXPECT_LT(cut.size(), 50u);
  for (double level : cut) EXPECT_TRUE(level >= 0.05 && level <= 5);
}

TEST(Schedule, RangedListsHaveExactEndsInEveryOrder) {
  SolverConfig config;
  config.start_level = 0.7;
  config.end_level = 0.02;
  for (auto spacing : {Spacing::uniform, Spacing::quadratic})
    for (int steps : {1, 2, 5, 9}) {
      config.spacing = spacing;
      config.steps = steps;
      config.order = Order::descending;
      auto falling = make_levels(config, 0.003, 5, 0);
      ASSERT_EQ(static_cast<int>(falling.size()), steps);
      EXPECT_DOUBLE_EQ(falling.front(), 0.7);
      if (steps > 1) {
        EXPECT_DOUBLE_EQ(falling.back(), 0.02);
      }
      EXPECT_TRUE(std::is_sorted(falling.rbegin(), falling.rend()));
      config.order = Order::ascending;
      auto rising = make_levels(config, 0.003, 5, 0);
      std::reverse(rising.begin(), rising.end());
      EXPECT_EQ(rising, falling);
      config.order = Order::random;
      auto shuffled = make_levels(config, 0.003, 5, 3);
      EXPECT_EQ(shuffled, make_levels(config, 0.003, 5, 3));
      std::sort(shuffled.rbegin(), shuffled.rend());
      EXPECT_EQ(shuffled, falling);
    }
}

TEST(Schedule, WeightsAreTheirFormulas) {
  for (double s : {0.01, 0.5, 1.0, 3.0}) {
    EXPECT_DOUBLE_EQ(level_weight(Weighting::linear, s), s);
    EXPECT_DOUBLE_EQ(level_weight(Weighting::sqrt, s), std::pow(s, 0.5));
    EXPECT_DOUBLE_EQ(level_weight(Weighting::square, s), std::pow(s, 2));
    EXPECT_NEAR(level_weight(Weighting::log, s), std::log(1 + s), 1e-15);
    EXPECT_DOUBLE_EQ(level_weight(Weighting::trunc_linear, s), s < 1 ? s : 1);
    EXPECT_NEAR(level_weight(Weighting::power_two_thirds, s), std::pow(s, 2.0 / 3), 1e-15);
    EXPECT_DOUBLE_EQ(level_weight(Weighting::constant, s), 1);
  }
}

TEST(Rng, FieldsDependOnSeedAndStepOnly) {
  const auto a = normal_field(1, 2, {1, 3, 16, 16}, at::kCPU);
  EXPECT_TRUE(a.equal(normal_field(1, 2, {4, 3, 16, 16}, at::kCPU)));
  EXPECT_FALSE(a.equal(normal_field(1, 3, {1, 3, 16, 16}, at::kCPU)));
  EXPECT_FALSE(a.equal(normal_field(2, 2, {1, 3, 16, 16}, at::kCPU)));
  const auto large = normal_field(0, 0, {1, 3, 256, 256}, at::kCPU);
  EXPECT_NEAR(large.mean().item<double>(), 0, 0.01);
  EXPECT_NEAR(large.std().item<double>(), 1, 0.01);
}

TEST(Symmetry, IsUndoneAndAllEightDiffer) {
  const auto x = picture(1, 2, 5, 7);
  const auto square = picture(1, 1, 6, 6);
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(undo_symmetry(apply_symmetry(x, i), i).equal(x)) << i;
    for (int j = 0; j < i; ++j) EXPECT_FALSE(apply_symmetry(square, i).equal(apply_symmetry(square, j))) << i << j;
  }
}

// RED-Diff with Adam on average pooling, written out per value in double precision from the equations.
TEST(RedDiff, EqualsAScalarRecomputationForEveryWeighting) {
  const c10::InferenceMode guard;
  const int size = 8, pool = 2, values = 3 * size * size;
  const double prior_mean = 0.1, prior_variance = 0.09;
  const GaussianPrior prior(prior_mean, prior_variance);
  const auto problem = problem_of("average-pool:factor=2", picture(3, 1, size, size), 0.02);
  for (const auto& weighting : names<Weighting>()) {
    if (weighting.value == Weighting::preset) continue;
    SolverConfig config = stochastic(Optimizer::adam);
    config.weighting = weighting.value;
    config.data_weight = 0.7;
    const auto got = run(prior, problem, config).to(at::kDouble);

    const auto levels = make_levels(config, prior.sigma_min(), prior.sigma_max(), 5);
    const auto y = problem.y.to(at::kDouble).contiguous();
    std::vector<double> mu(values), first(values, 0), second(values, 0);
    const auto pooled = [&](int i) {
      return (i / (size * size)) * (size / pool) * (size / pool) + (i / size % size / pool) * (size / pool) +
             i % size / pool;
    };
    for (int i = 0; i < values; ++i) mu[i] = y.data_ptr<double>()[pooled(i)];
    for (std::size_t k = 0; k < levels.size(); ++k) {
      const double s = levels[k];
      const auto eps = normal_field(5, k, {1, 3, size, size}, at::kCPU).to(at::kDouble).contiguous();
      std::vector<double> residual(values / (pool * pool), 0);
      for (int i = 0; i < values; ++i) residual[pooled(i)] += mu[i] / (pool * pool);
      for (std::size_t j = 0; j < residual.size(); ++j) residual[j] -= y.data_ptr<double>()[j];
      for (int i = 0; i < values; ++i) {
        const double u = mu[i] + s * eps.data_ptr<double>()[i];
        const double denoised = (prior_variance * u + s * s * prior_mean) / (prior_variance + s * s);
        // N/m = pool^2 cancels the 1/pool^2 of the adjoint.
        const double g = config.prior_weight * level_weight(weighting.value, s) * (mu[i] - denoised) / s +
                         config.data_weight * residual[pooled(i)];
        first[i] = 0.9 * first[i] + 0.1 * g;
        second[i] = 0.99 * second[i] + 0.01 * g * g;
        const double m = first[i] / (1 - std::pow(0.9, k + 1)), v = second[i] / (1 - std::pow(0.99, k + 1));
        mu[i] -= config.learning_rate * m / (std::sqrt(v) + config.optimizer_epsilon);
      }
    }
    for (int i = 0; i < values; ++i)
      EXPECT_NEAR(got.contiguous().data_ptr<double>()[i], mu[i], 2e-5) << weighting.nick << " " << i;
  }
}

TEST(RedDiff, ReturnsTheMeanBeforeTheLastStepWhenAsked) {
  const GaussianPrior prior(0, 0.1);
  const auto problem = problem_of("identity", picture(3, 1, 8, 8), 0.1);
  SolverConfig config = stochastic(Optimizer::sgd);
  config.order = Order::ascending;  // the first eleven levels of twelve are those of a run that stops early
  const auto levels = make_levels(config, prior.sigma_min(), prior.sigma_max(), 5);
  SolverConfig shorter = config;
  config.return_before_step = true;
  shorter.steps = config.steps - 1;
  shorter.start_level = levels[levels.size() - 2];
  const auto short_levels = make_levels(shorter, prior.sigma_min(), prior.sigma_max(), 5);
  for (std::size_t i = 0; i < short_levels.size(); ++i) ASSERT_NEAR(short_levels[i], levels[i], 1e-6);
  EXPECT_LT((run(prior, problem, config) - run(prior, problem, shorter)).abs().max().item<double>(), 1e-5);
}

TEST(RedDiff, FixedPointFindsTheGaussianPosteriorMean) {
  // With D exact and linear, the iteration's fixed point at a level s has prior variance `variance + s^2`'s regulariser:
  // mu - D = s^2 (mu - mean) / (variance + s^2), against the data's s^2 / sv^2: the posterior mean of a prior that is wider by s^2.
  const double mean = 0.2, variance = 0.05, noise = 0.1, level = 0.2;
  const GaussianPrior prior(mean, variance);
  for (const std::string op :
       {"average-pool:factor=2", "bicubic:factor=2", "gaussian-blur:sigma=1", "gray", "identity"}) {
    const auto problem = problem_of(op, picture(9, 1, 8, 8), noise);
    SolverConfig config;
    config.optimizer = Optimizer::fixed_point;
    config.balance = Balance::noise;
    config.renoise = Renoise::none;
    config.prior_weight = config.data_weight = 1;
    config.steps = 80;
    config.start_level = config.end_level = level;
    const auto got = run(prior, problem, config).to(at::kDouble).reshape({-1});
    // Dense posterior: (H^T H / sv^2 + 1/(variance + s^2)) x = H^T y / sv^2 + mean / (variance + s^2).
    const std::int64_t n = 3 * 8 * 8;
    const auto basis = at::eye(n, at::kDouble).reshape({n, 3, 8, 8});
    const auto h = problem.op->forward(basis.to(at::kFloat)).to(at::kDouble).reshape({n, -1}).t();
    const double precision = 1 / (variance + level * level);
    const auto lhs = h.t().mm(h) / (noise * noise) + precision * at::eye(n, at::kDouble);
    const auto rhs = h.t().mv(problem.y.to(at::kDouble).reshape({-1})) / (noise * noise) + precision * mean;
    const auto want = at::linalg_solve(lhs, rhs);
    EXPECT_LT((got - want).abs().max().item<double>(), 2e-3) << op;
  }
}

TEST(RedDiff, OneFixedPointStepOnTheMeasurementIsTheDenoiser) {
  const auto prior = make_dct_shrink(at::kCPU);
  const auto problem = problem_of("identity", picture(4, 1, 24, 32), 0.2);
  const auto preset = resolve(Config{.noise = level_to_user(0.2)}, false, 8).cold;
  ASSERT_EQ(preset.steps, 1);
  const auto want = prior->denoise(problem.y, at::full({1, 1, 1, 1}, preset.start_level));
  EXPECT_TRUE(run(*prior, problem, preset).equal(want));
}

TEST(RedDiff, BatchesChangeNothingForAnyOptimizer) {
  const auto prior = make_dct_shrink(at::kCPU);
  const auto x = picture(6, 3, 16, 24);
  for (const auto& entry : optimizer_registry()) {
    auto together = problem_of("average-pool:factor=2", x, 0.05);
    const auto config = stochastic(entry.value);
    const auto batch = run(*prior, together, config);
    for (std::int64_t i = 0; i < x.size(0); ++i) {
      auto alone = together;
      alone.y = together.y.slice(0, i, i + 1);
      EXPECT_TRUE(run(*prior, alone, config).equal(batch.slice(0, i, i + 1))) << nick(entry.value) << " image " << i;
    }
  }
}

TEST(RedDiff, EveryOptimizerApproachesThePosterior) {
  const GaussianPrior prior(0.3, 0.01);
  const auto problem = problem_of("identity", picture(8, 1, 8, 8), 0.3);
  for (const auto& entry : optimizer_registry()) {
    auto config = stochastic(entry.value);
    config.steps = 60;
    config.start_level = 0.3;
    config.end_level = 0.1;
    config.prior_weight = 4;  // the prior pulls at least twice as hard as the data
    const auto before = (problem.y - 0.3).square().mean().item<double>();
    const auto after = (run(prior, problem, config) - 0.3).square().mean().item<double>();
    EXPECT_LT(after, 0.5 * before) << nick(entry.value);
    EXPECT_TRUE(run(prior, problem, config).equal(run(prior, problem, config))) << nick(entry.value);
  }
}

TEST(RedDiff, MissingRowsDoNotMatter) {
  const auto prior = make_dct_shrink(at::kCPU);
  auto problem = problem_of("identity", picture(4, 1, 24, 32), 0.05);
  problem.weights = (normal_field(1, 1, {1, 1, 24, 32}, at::kCPU) > 0).to(at::kFloat);
  SolverConfig config;
  config.optimizer = Optimizer::fixed_point;
  config.balance = Balance::noise;
  config.renoise = Renoise::none;
  config.start_level = 0.3;
  const c10::InferenceMode guard;
  const auto solve = [&](const at::Tensor& y) {
    auto changed = problem;
    changed.y = y;
    const auto optimizer = make_optimizer(config);
    Start start;
    start.mu = problem.y * problem.weights;
    return red_diff(*prior, changed, config, *optimizer, start, 0, nullptr, nullptr).mu;
  };
  EXPECT_TRUE(solve(problem.y).equal(solve(problem.y * problem.weights + 9 * (1 - problem.weights))));
  EXPECT_FALSE(solve(problem.y).equal(solve(problem.y + 0.1)));
}

TEST(RedDiff, PerPixelStartLevelReachesThePrior) {
  const GaussianPrior prior(0, 1);
  auto problem = problem_of("identity", picture(4, 1, 4, 4), 0.1);
  SolverConfig config;
  config.optimizer = Optimizer::fixed_point;
  config.renoise = Renoise::none;
  config.data_weight = 0;
  config.steps = 1;
  config.start_level = 0.5;
  const c10::InferenceMode guard;
  Start start;
  start.mu = problem.y;
  start.level = at::full({1, 1, 4, 4}, 0.5);
  start.level.select(3, 0).fill_(2);
  const auto optimizer = make_optimizer(config);
  const auto mu = red_diff(prior, problem, config, *optimizer, start, 0, nullptr, nullptr).mu;
  EXPECT_TRUE(mu.allclose(problem.y / (1 + start.level.square()), 1e-5, 1e-6));
}

TEST(RedDiff, StopsBeforeTheNextCallWhenAborted) {
  const GaussianPrior prior(0, 1);
  const auto problem = problem_of("identity", picture(4, 1, 4, 4), 0.1);
  const auto config = stochastic(Optimizer::adam);
  const auto optimizer = make_optimizer(config);
  const c10::InferenceMode guard;
  Start start;
  start.mu = problem.y;
  const std::atomic<bool> abort = true;
  try {
    red_diff(prior, problem, config, *optimizer, start, 0, &abort, nullptr);
    FAIL() << "was not aborted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::aborted);
  }
  EXPECT_EQ(prior.calls, 0);
}

}  // namespace
}  // namespace reddiff
