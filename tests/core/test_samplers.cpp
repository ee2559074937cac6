// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The solvers that draw samples, against a Gaussian prior whose posterior is known and against the equations written out per value.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/api/error.h"
#include "core/api/plan.h"
#include "core/api/presets.h"
#include "core/registry.h"
#include "core/solvers/diffpir.h"
#include "core/solvers/guided.h"
#include "core/solvers/rng.h"
#include "core/solvers/schedule.h"
#include "core/solvers/spectral.h"
#include "tests/core/fake_priors.h"

namespace reddiff {
namespace {

using testing::GaussianPrior;

constexpr std::uint64_t seed = 5;

Problem problem_of(const std::string& op, std::int64_t side, double noise) {
  Problem problem;
  problem.op = make_operator(parse_operator(op));
  const auto seen = problem.op->forward(normal_field(3, 0, {1, 3, side, side}, at::kCPU) * 0.5);
  problem.y = seen + noise * normal_field(77, 0, seen.sizes(), at::kCPU);
  problem.likelihood = make_gaussian(noise);
  return problem;
}

at::Tensor run(const Solver& solver, const Denoiser& prior, const Problem& problem, const Pass& pass) {
  const c10::InferenceMode guard;
  Trace trace(at::kCPU);
  return solver.solve(prior, problem, {problem.op->pseudo_inverse(problem.y)}, pass, trace).mu;
}

// Mean and variance of x given y, x ~ N(mean, variance), of all values.
struct Posterior {
  at::Tensor mean, variance;
};

Posterior posterior(const Problem& problem, std::int64_t side, double mean, double variance) {
  const std::int64_t n = 3 * side * side;
  const auto basis = at::eye(n, at::kDouble).reshape({n, 3, side, side}).to(at::kFloat);
  auto h = problem.op->forward(basis).to(at::kDouble).reshape({n, -1}).t();
  if (problem.weights.defined()) h = h * problem.weights.to(at::kDouble).expand(problem.y.sizes()).reshape({-1, 1});
  const double precision = 1 / (problem.sigma_y() * problem.sigma_y());
  const auto covariance = at::linalg_inv(h.t().mm(h) * precision + at::eye(n, at::kDouble) / variance);
  const auto rhs = h.t().mv(problem.y.to(at::kDouble).reshape({-1})) * precision + mean / variance;
  return {covariance.mv(rhs), covariance.diagonal().contiguous()};
}

// How far samples of many seeds are from the posterior: their mean in units of its standard error if all were right, and the ratio of
// their variance to the posterior's; over all values.
struct Distance {
  double mean, variance_ratio;
};

template <typename Make> Distance distance(const Make& make, const Problem& problem, int steps) {
  constexpr std::int64_t side = 8;
  constexpr int samples = 16;
  const double mean = 0.2, variance = 1;
  const GaussianPrior prior(mean, variance);
  std::vector<at::Tensor> drawn;
  for (int i = 0; i < samples; ++i)
    drawn.push_back(run(*make(seed + i), prior, problem, {steps, 5, 0}).to(at::kDouble).reshape({-1}));
  const auto all = at::stack(drawn);
  const auto want = posterior(problem, side, mean, variance);
  const auto error = (all.mean(0) - want.mean).square().sum().item<double>();
  return {std::sqrt(error / (want.variance.sum().item<double>() / samples)),
          all.var(0).sum().item<double>() / want.variance.sum().item<double>()};
}

const std::vector<std::string> operators{"identity", "average-pool:factor=2", "bicubic:factor=2",
                                         "gaussian-blur:sigma=1", "gray"};

// Without noise every measured mode is known, and the others are drawn from the prior.
TEST(Samplers, DrawWhatWasNotMeasured) {
  using Make = std::function<SolverPtr(std::uint64_t)>;
  const std::vector<std::pair<std::string, Make>> subjects{
      {"pigdm", [](std::uint64_t s) { return std::make_unique<PiGdm>(PiGdmOptions{}, s); }},
      {"ddrm, .85", [](std::uint64_t s) { return std::make_unique<Ddrm>(DdrmOptions{.eta = 0.85}, s); }},
      {"ddrm, 1", [](std::uint64_t s) { return std::make_unique<Ddrm>(DdrmOptions{.eta = 1}, s); }},
      {"diffpir", [](std::uint64_t s) { return std::make_unique<DiffPir>(DiffPirOptions{}, s); }},
  };
  for (const std::string op : {"average-pool:factor=2", "bicubic:factor=2", "gray"})
    for (const auto& [name, make] : subjects) {
      const auto [mean, ratio] = distance(make, problem_of(op, 8, 0.003), 150);
      EXPECT_LT(mean, 1.3) << op << " " << name;
      EXPECT_NEAR(ratio, 0.7, 0.35) << op << " " << name;
    }
}

// The data step takes the variance of x given u for s^2, which is more than it is: samples vary less than the posterior.
TEST(DiffPir, DrawsFromAGaussianPosterior) {
  for (const std::string& op : operators) {
    const auto [mean, ratio] = distance([](std::uint64_t s) { return std::make_unique<DiffPir>(DiffPirOptions{}, s); },
                                        problem_of(op, 8, 0.3), 150);
    EXPECT_LT(mean, 1.3) << op;
    EXPECT_NEAR(ratio, 0.5, 0.15) << op;
  }
}

// The equations of guided.h and spectral.h, per value in double precision, of a picture whose pixels are measured (some of them).
class Written : public ::testing::Test {
 protected:
  static constexpr std::int64_t values = 3 * 8 * 8;
  static constexpr double mean = 0.1, variance = 0.09, noise = 0.1;

  Written() : problem(problem_of("identity", 8, noise)) {
    problem.weights = (normal_field(1, 1, {1, 1, 8, 8}, at::kCPU) > -0.3).to(at::kFloat);
    known = copy(problem.weights.expand({1, 3, 8, 8}));
    y = copy(problem.y);
  }

  static std::vector<double> copy(const at::Tensor& t) {
    const auto flat = t.to(at::kDouble).contiguous();
    return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
  }
  static std::vector<double> fresh(std::uint64_t step) {
    return copy(normal_field(seed, step, {1, 3, 8, 8}, at::kCPU));
  }
  static double denoised(double u, double s) { return (variance * u + s * s * mean) / (variance + s * s); }

  void expect(const Solver& solver, const std::vector<double>& want) {
    const auto got = copy(run(solver, prior, problem, pass));
    for (std::int64_t i = 0; i < values; ++i) EXPECT_NEAR(got[i], want[i], 2e-5) << i;
  }

  const GaussianPrior prior{mean, variance};
  const Pass pass{12, 2, 0};
  const std::vector<double> levels = make_levels(pass, 0.003, 5, seed);
  Problem problem;
  std::vector<double> known, y;
};

TEST_F(Written, Dps) {
  const double zeta = 3, scaled = zeta * std::sqrt(values / (3.0 * 256 * 256));
  auto u = fresh(0);
  for (std::int64_t i = 0; i < values; ++i) u[i] = y[i] + levels[0] * u[i];
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const double s = levels[k], next = k + 1 < levels.size() ? levels[k + 1] : 0;
    const auto n = fresh(k + 1);
    double norm = 0;
    for (std::int64_t i = 0; i < values; ++i) norm += std::pow(known[i] * (y[i] - denoised(u[i], s)), 2);
    for (std::int64_t i = 0; i < values; ++i) {
      const double x0 = denoised(u[i], s), jacobian = variance / (variance + s * s);
      const double gradient = -jacobian * known[i] * (y[i] - x0) / std::sqrt(norm);
      const double fresh_share = next * std::sqrt(1 - next * next / (s * s));
      u[i] = x0 + next * next / (s * s) * (u[i] - x0) + fresh_share * n[i] -
             scaled * std::sqrt((1 + s * s) * (1 + next * next)) * gradient;
    }
  }
  expect(Dps({.zeta = zeta}, seed), u);
}

TEST_F(Written, PiGdm) {
  auto u = fresh(0);
  for (std::int64_t i = 0; i < values; ++i) u[i] = y[i] + levels[0] * u[i];
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const double s = levels[k], next = k + 1 < levels.size() ? levels[k + 1] : 0, r2 = s * s / (1 + s * s);
    for (std::int64_t i = 0; i < values; ++i) {
      const double jacobian = variance / (variance + s * s), x0 = denoised(u[i], s);
      u[i] = x0 + next / s * (u[i] - x0) + jacobian * known[i] * (y[i] - x0) / (1 + noise * noise / r2);
    }
  }
  expect(PiGdm({.eta = 0}, seed), u);
}

TEST_F(Written, Ddrm) {
  const double eta = 0.85;
  auto u = fresh(0);
  const auto first = fresh(levels.size());
  for (std::int64_t i = 0; i < values; ++i) {
    const bool is_known = known[i] > 0 && levels[0] >= noise;
    u[i] = y[i] + (is_known ? std::sqrt(levels[0] * levels[0] - noise * noise) * first[i] : levels[0] * u[i]);
  }
  for (std::size_t k = 0; k < levels.size(); ++k) {
    const double s = levels[k], next = k + 1 < levels.size() ? levels[k + 1] : 0;
    const auto n = fresh(k + 1);
    for (std::int64_t i = 0; i < values; ++i) {
      const double x0 = denoised(u[i], s);
      if (next == 0)
        u[i] = x0;
      else if (known[i] > 0 && next >= noise)
        u[i] = y[i] + std::sqrt(next * next - noise * noise) * n[i];
      else
        u[i] = x0 +
               next * (std::sqrt(1 - eta * eta) * (known[i] > 0 ? (y[i] - x0) / noise : (u[i] - x0) / s) + eta * n[i]);
    }
  }
  expect(Ddrm({.eta = eta}, seed), u);
}

// What stands where nothing was measured does not matter.
TEST_F(Written, MissingRowsDoNotMatter) {
  auto other = problem;
  other.y = at::where(problem.weights.expand_as(problem.y) > 0, problem.y, 9);
  for (const auto& entry : solver_registry()) {
    if (!draws_a_sample(entry.value)) continue;
    const auto solver = entry.make(preset_options(Preset::quality, ProblemKind::fill, entry.value), seed);
    const c10::InferenceMode guard;
    Trace trace(at::kCPU);
    const Start start{problem.y * problem.weights};
    EXPECT_TRUE(
        solver->solve(prior, problem, start, pass, trace).mu.equal(solver->solve(prior, other, start, pass, trace).mu))
        << nick(entry.value);
  }
}

// An operator that is not linear: a picture that ends where code values do.
class Clip final : public Operator {
 public:
  bool linear() const override { return false; }
  at::Tensor forward(const at::Tensor& x) const override { return (2 * x).clamp(-1, 1); }
  at::Tensor vjp(const at::Tensor& x, const at::Tensor& r) const override {
    return at::where(x.abs() < 0.5, 2 * r, 0.0);
  }
  at::Tensor pseudo_inverse(const at::Tensor& y) const override { return y / 2; }
  at::Tensor rho(const at::Tensor& q) const override { return q; }
};

TEST(Guided, ComesNearerToAMeasurementThatIsNotLinear) {
  const GaussianPrior prior(0, 1);
  Problem problem;
  problem.op = std::make_shared<Clip>();
  problem.y = problem.op->forward(normal_field(3, 0, {1, 3, 8, 8}, at::kCPU) * 0.4);
  problem.likelihood = make_gaussian(0.01);
  const auto misfit = [&](const at::Tensor& x) { return (problem.op->forward(x) - problem.y).norm().item<double>(); };
  const Pass pass{50, 2, 0};
  const auto unguided = misfit(run(Dps({.zeta = 0}, seed), prior, problem, pass));
  EXPECT_LT(misfit(run(Dps({.zeta = 40}, seed), prior, problem, pass)), 0.5 * unguided);
  EXPECT_LT(misfit(run(PiGdm({}, seed), prior, problem, pass)), 0.5 * unguided);
}

TEST(Samplers, AreRefusedWhatTheyCannotDo) {
  Config config;
  config.task = Task::super_resolution;
  for (const auto& name : names<SolverKind>()) {
    if (!draws_a_sample(name.value)) continue;
    config.solver = name.value;
    config.order = Order::preset;
    EXPECT_NO_THROW(PlanBook(config, false)) << name.nick;
    config.order = Order::ascending;
    EXPECT_THROW(PlanBook(config, false), Error) << name.nick;
  }
  config.order = Order::preset;
  config.zeta = 2;
  config.solver = SolverKind::diffpir;
  EXPECT_THROW(PlanBook(config, false), Error);
  config.solver = SolverKind::dps;
  EXPECT_EQ(std::get<DpsOptions>(PlanBook(config, false).options()).zeta, 2);
}

}  // namespace
}  // namespace reddiff
