// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The solver against scalar oracles: a re-computation of the loop in double precision, and a Gaussian prior whose posterior
// mean is known.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/api/abort.h"
#include "core/api/plan.h"
#include "core/priors/dct_shrink.h"
#include "core/registry.h"
#include "core/solvers/ensemble.h"
#include "core/solvers/hqs.h"
#include "core/solvers/optimizer.h"
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
  problem.likelihood = make_gaussian(noise);
  return problem;
}

Solution run(const Solver& solver, const Denoiser& prior, const Problem& problem, const Pass& pass,
             const Start& start) {
  const c10::InferenceMode guard;
  Trace trace(at::kCPU);
  return solver.solve(prior, problem, start, pass, trace);
}

at::Tensor run(const Solver& solver, const Denoiser& prior, const Problem& problem, const Pass& pass) {
  return run(solver, prior, problem, pass, {problem.op->pseudo_inverse(problem.y)}).mu;
}

constexpr std::uint64_t seed = 5;
const Pass twelve_from_one{12, 1, 0};

RedDiffOptions stochastic(Optimizer optimizer) {
  RedDiffOptions options;
  options.optimizer = optimizer;
  options.optimizer_epsilon = 0.05;
  options.learning_rate = optimizer == Optimizer::sgd || optimizer == Optimizer::lbfgs ? 0.02 : 0.05;
  return options;
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
TEST(Levels, OfAPixelEndWhereTheScheduleDoes) {
  const c10::InferenceMode guard;
  const auto problem = problem_of("gaussian-blur:sigma=1", picture(1, 1, 8, 8), 0.01);
  Start start{problem.y, at::full({1, 1, 8, 8}, 0.04)};
  start.level[0][0][0][0] = 0.01;
  start.level[0][0][0][1] = 0.3;
  const Listener prior;
  const auto levels = run(Hqs({}, seed), prior, problem, {3, 0.04, 0.02}, start).levels;
  ASSERT_EQ(prior.heard.size(), 3u);
  const double way = std::log(levels[1] / 0.02) / std::log(2.0);
  for (int step = 0; step < 3; ++step) {
    const auto at = [&](int x) { return prior.heard[step][0][0][0][x].item<double>(); };
    EXPECT_NEAR(at(0), 0.01 * levels[step] / 0.04, 1e-7);
    EXPECT_NEAR(at(2), levels[step], 1e-7);
    EXPECT_NEAR(at(1), step == 0 ? 0.3 : step == 1 ? 0.02 * std::pow(15, way) : 0.02, 1e-6);
  }
}

TEST(Levels, OfAPixelAreTheSameInEveryOrder) {
  const c10::InferenceMode guard;
  const auto problem = problem_of("gaussian-blur:sigma=1", picture(1, 1, 8, 8), 0.01);
  const Start start{problem.y, at::rand({1, 1, 8, 8}) * 0.4};
  const Listener falling, rising;
  run(Hqs({}, seed), falling, problem, {4, 0.2, 0.05}, start);
  run(Hqs({}, seed), rising, problem, {4, 0.2, 0.05, Order::ascending}, start);
  for (std::size_t step = 0; step < 4; ++step)
    EXPECT_TRUE(at::equal(rising.heard[step], falling.heard[3 - step])) << step;
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
    RedDiffOptions options = stochastic(Optimizer::adam);
    options.weighting = weighting.value;
    options.data_weight = 0.7;
    const auto got = run(RedDiff(options, seed), prior, problem, twelve_from_one).to(at::kDouble);

    const auto levels = make_levels(twelve_from_one, prior.sigma_min(), prior.sigma_max(), seed);
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
        const double g = options.prior_weight * level_weight(weighting.value, s) * (mu[i] - denoised) / s +
                         options.data_weight * residual[pooled(i)];
        first[i] = 0.9 * first[i] + 0.1 * g;
        second[i] = 0.99 * second[i] + 0.01 * g * g;
        const double m = first[i] / (1 - std::pow(0.9, k + 1)), v = second[i] / (1 - std::pow(0.99, k + 1));
        mu[i] -= options.learning_rate * m / (std::sqrt(v) + *options.optimizer_epsilon);
      }
    }
    for (int i = 0; i < values; ++i)
      EXPECT_NEAR(got.contiguous().data_ptr<double>()[i], mu[i], 2e-5) << weighting.nick << " " << i;
  }
}

TEST(RedDiff, ReturnsTheMeanBeforeTheLastStepWhenAsked) {
  const GaussianPrior prior(0, 0.1);
  const auto problem = problem_of("identity", picture(3, 1, 8, 8), 0.1);
  // Ascending: the first eleven levels of twelve are those of a run that stops early.
  const Pass whole{12, 1, 0, Order::ascending};
  const auto levels = make_levels(whole, prior.sigma_min(), prior.sigma_max(), seed);
  const Pass shorter{11, levels[10], 0, Order::ascending};
  const auto short_levels = make_levels(shorter, prior.sigma_min(), prior.sigma_max(), seed);
  for (std::size_t i = 0; i < short_levels.size(); ++i) ASSERT_NEAR(short_levels[i], levels[i], 1e-6);
  RedDiffOptions options = stochastic(Optimizer::sgd);
  const auto after = run(RedDiff(options, seed), prior, problem, shorter);
  options.returned = Returned::before_last_step;
  const auto before = run(RedDiff(options, seed), prior, problem, whole);
  EXPECT_LT((before - after).abs().max().item<double>(), 1e-5);
}

TEST(Hqs, FindsTheGaussianPosteriorMean) {
  // With D exact and linear, the iteration's fixed point at a level s has prior variance `variance + s^2`'s regulariser:
  // mu - D = s^2 (mu - mean) / (variance + s^2), against the data's s^2 / sigma_y^2: the posterior mean of a prior that is wider by s^2.
  const double mean = 0.2, variance = 0.05, noise = 0.1, level = 0.2;
  const GaussianPrior prior(mean, variance);
  for (const std::string op :
       {"average-pool:factor=2", "bicubic:factor=2", "gaussian-blur:sigma=1", "gray", "identity"}) {
    const auto problem = problem_of(op, picture(9, 1, 8, 8), noise);
    const auto got = run(Hqs({}, seed), prior, problem, {80, level, level}).to(at::kDouble).reshape({-1});
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

TEST(Ensemble, OneStepOnTheMeasurementIsTheDenoiser) {
  const auto prior = make_dct_shrink(at::kCPU);
  const auto problem = problem_of("identity", picture(4, 1, 24, 32), 0.2);
  const PlanBook book(Config{}, false);
  ASSERT_EQ(book.solver(), SolverKind::ensemble);
  const auto plan = book.at(0.2);
  ASSERT_EQ(plan.cold.steps, 1);
  const auto solver = make_solver(book.solver(), book.options(), seed);
  const auto want = prior->denoise(problem.y, at::full({1, 1, 1, 1}, 0.2));
  EXPECT_TRUE(run(*solver, *prior, problem, plan.cold).equal(want));
}

TEST(Ensemble, IsTheMeanOverTurnedAndMirroredCopies) {
  const auto prior = make_dct_shrink(at::kCPU);
  const auto problem = problem_of("identity", picture(4, 1, 24, 32), 0.2);
  const auto level = at::full({1, 1, 1, 1}, 0.2);
  for (const int steps : {2, 5, 8}) {
    auto want = at::zeros_like(problem.y);
    for (int k = 0; k < steps; ++k)
      want += undo_symmetry(prior->denoise(apply_symmetry(problem.y, k).contiguous(), level), k) / steps;
    EXPECT_LT((run(Ensemble({}, seed), *prior, problem, {steps, 0.2, 0.2}) - want).abs().max().item<double>(), 1e-6)
        << steps;
  }
}

// Every solver of the registry, RED-Diff with every optimiser.
struct Subject {
  std::string name;
  SolverPtr solver;
};

std::vector<Subject> every_solver() {
  std::vector<Subject> subjects;
  for (const auto& entry : solver_registry()) {
    if (entry.value != SolverKind::red_diff) {
      subjects.push_back(
          {nick(entry.value), entry.make(preset_options(Preset::quality, ProblemKind::denoise, entry.value), seed)});
      continue;
    }
    for (const auto& optimizer : optimizer_registry())
      subjects.push_back({nick(optimizer.value), entry.make(stochastic(optimizer.value), seed)});
  }
  return subjects;
}

TEST(Solvers, BatchesChangeNothing) {
  const auto shrinking = make_dct_shrink(at::kCPU);
  const GaussianPrior gaussian(0.1, 0.2);
  const auto x = picture(6, 3, 16, 24);
  for (const std::string op : {"identity", "average-pool:factor=2"}) {
    const auto together = problem_of(op, x, 0.05);
    for (const auto& [name, solver] : every_solver()) {
      if (op != "identity" && solver->needs().every_pixel) continue;  // of the picture
      const Denoiser& prior = solver->needs().prior_gradient ? static_cast<const Denoiser&>(gaussian) : *shrinking;
      const auto batch = run(*solver, prior, together, twelve_from_one);
      for (std::int64_t i = 0; i < x.size(0); ++i) {
        auto alone = together;
        alone.y = together.y.slice(0, i, i + 1);
        EXPECT_TRUE(run(*solver, prior, alone, twelve_from_one).equal(batch.slice(0, i, i + 1)))
            << op << " " << name << " " << i;
      }
    }
  }
}

TEST(Solvers, StopBeforeTheNextCallWhenAborted) {
  const GaussianPrior prior(0, 1);
  const auto problem = problem_of("identity", picture(4, 1, 4, 4), 0.1);
  const std::atomic<bool> flag = true;
  for (const auto& [name, solver] : every_solver()) {
    const AbortScope scope(&flag);
    try {
      run(*solver, prior, problem, twelve_from_one);
      FAIL() << name << " was not aborted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::aborted);
    }
  }
  EXPECT_EQ(prior.calls, 0);
}

TEST(Solvers, TellTheTraceWhatTheyCost) {
  const c10::InferenceMode guard;
  const auto prior = make_dct_shrink(at::kCPU);
  const auto problem = problem_of("average-pool:factor=2", picture(6, 1, 64, 64), 0.05);
  Trace trace(at::kCPU);
  trace.visited(
      Hqs({}, seed).solve(*prior, problem, {problem.op->pseudo_inverse(problem.y)}, {3, 0.3, 0.05}, trace).levels);
  EXPECT_EQ(trace.prior_calls(), 3);
  EXPECT_DOUBLE_EQ(trace.highest_level(), 0.3);
  EXPECT_DOUBLE_EQ(trace.lowest_level(), 0.05);
  const auto times = trace.times();
  EXPECT_TRUE(times.prior > 0 && times.op > 0);
  EXPECT_EQ(times.flow + times.convert, 0);
  EXPECT_GE(times.total, times.prior + times.op);
  EXPECT_NEAR(times.optimizer, times.total - times.prior - times.op, 1e-9);
}

// An operator and a prior that offer nothing beyond what they must.
class Bare final : public Operator {
 public:
  bool linear() const override { return false; }
  at::Tensor forward(const at::Tensor& x) const override { return x.square(); }
  at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const override { return 2 * x * r; }
  at::Tensor pseudo_inverse(const at::Tensor& y) const override { return y; }
  at::Tensor rho(const at::Tensor& q) const override { return q; }
};

TEST(Needs, AreComparedOneByOneAndSaidInASentence) {
  const Bare op;
  const auto prior = make_dct_shrink(at::kCPU);  // without a gradient
  const auto refusal = [&](const Needs& needs, bool masked) -> std::string {
    try {
      check_needs(needs, SolverKind::hqs, op, *prior, masked);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::settings);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal({}, true), "");
  EXPECT_NE(refusal({.linear = true}, false).find("solver=hqs needs a linear operator"), std::string::npos);
  EXPECT_NE(refusal({.proximal = true}, false).find("proximal"), std::string::npos);
  EXPECT_NE(refusal({.spectrum = true}, false).find("singular values"), std::string::npos);
  EXPECT_NE(refusal({.prior_gradient = true}, false).find("gradient"), std::string::npos);
  EXPECT_NE(refusal({.every_pixel = true}, true).find("every pixel"), std::string::npos);
  EXPECT_EQ(refusal({.every_pixel = true}, false), "");
}

TEST(Needs, OfASpectrumAreThatMissingRowsBePixels) {
  const GaussianPrior prior(0, 1);
  const auto pool = make_operator(parse_operator("average-pool:factor=2"));
  const auto identity = make_operator(parse_operator("identity"));
  EXPECT_NO_THROW(check_needs({.spectrum = true}, SolverKind::ddrm, *pool, prior, false));
  EXPECT_NO_THROW(check_needs({.spectrum = true}, SolverKind::ddrm, *identity, prior, true));
  EXPECT_THROW(check_needs({.spectrum = true}, SolverKind::ddrm, *pool, prior, true), Error);
}

// Whatever the operators and priors of the registries are, the solvers of the presets can work with them.
TEST(Needs, OfThePresetsSolversAreMetEverywhere) {
  const auto prior = make_dct_shrink(at::kCPU);
  for (const auto& kind : operator_kinds()) {
    if (std::string(kind.name) == "kernel") continue;  // a file
    const auto op = make_operator(parse_operator(kind.examples.front()));
    EXPECT_NO_THROW(check_needs(Hqs({}, 0).needs(), SolverKind::hqs, *op, *prior, true)) << kind.name;
    EXPECT_NO_THROW(check_needs(RedDiff({}, 0).needs(), SolverKind::red_diff, *op, *prior, true)) << kind.name;
  }
}

TEST(RedDiff, EveryOptimizerApproachesThePosterior) {
  const GaussianPrior prior(0.3, 0.01);
  const auto problem = problem_of("identity", picture(8, 1, 8, 8), 0.3);
  for (const auto& entry : optimizer_registry()) {
    auto options = stochastic(entry.value);
    options.prior_weight = 4;  // the prior pulls at least twice as hard as the data
    const RedDiff solver(options, seed);
    const Pass pass{60, 0.3, 0.1};
    const auto before = (problem.y - 0.3).square().mean().item<double>();
    const auto after = (run(solver, prior, problem, pass) - 0.3).square().mean().item<double>();
    EXPECT_LT(after, 0.5 * before) << nick(entry.value);
    EXPECT_TRUE(run(solver, prior, problem, pass).equal(run(solver, prior, problem, pass))) << nick(entry.value);
  }
}

TEST(Hqs, MissingRowsDoNotMatter) {
  const auto prior = make_dct_shrink(at::kCPU);
  auto problem = problem_of("identity", picture(4, 1, 24, 32), 0.05);
  problem.weights = (normal_field(1, 1, {1, 1, 24, 32}, at::kCPU) > 0).to(at::kFloat);
  const auto solve = [&](const at::Tensor& y) {
    auto changed = problem;
    changed.y = y;
    return run(Hqs({}, seed), *prior, changed, {10, 0.3, 0}, {problem.y * problem.weights}).mu;
  };
  EXPECT_TRUE(solve(problem.y).equal(solve(problem.y * problem.weights + 9 * (1 - problem.weights))));
  EXPECT_FALSE(solve(problem.y).equal(solve(problem.y + 0.1)));
}

TEST(Hqs, PerPixelStartLevelReachesThePrior) {
  const GaussianPrior prior(0, 1);
  const auto problem = problem_of("identity", picture(4, 1, 4, 4), 0.1);
  Start start{problem.y, at::full({1, 1, 4, 4}, 0.5)};
  start.level.select(3, 0).fill_(2);
  const Hqs without_data(HqsOptions{.data_weight = 0}, seed);
  const auto mu = run(without_data, prior, problem, {1, 0.5, 0}, start).mu;
  EXPECT_TRUE(mu.allclose(problem.y / (1 + start.level.square()), 1e-5, 1e-6));
}

}  // namespace
}  // namespace reddiff
