// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From what a user sets to what the solver runs with; no torch here.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/api/config.h"
#include "core/api/error.h"
#include "core/api/plan.h"
#include "tests/core/refusal.h"

namespace reddiff {
namespace {

template <typename E> void check_names() {
  std::set<std::string> nicks;
  int position = 0;
  for (const auto& name : names<E>()) {
    EXPECT_EQ(static_cast<int>(name.value), position++) << name.nick;  // GEnums number them in this order
    EXPECT_TRUE(nicks.insert(name.nick).second) << name.nick;
    EXPECT_GT(std::string(name.description).size(), 0u) << name.nick;
    EXPECT_STREQ(nick(name.value), name.nick);
  }
}

TEST(Names, AreCompleteAndUnique) {
  check_names<Preset>();
  check_names<Task>();
  check_names<SolverKind>();
  check_names<Optimizer>();
  check_names<Weighting>();
  check_names<Order>();
  check_names<Spacing>();
  check_names<Temporal>();
  check_names<MaskSource>();
  check_names<Precision>();
}

TEST(Resolve, TasksChooseTheOperator) {
  EXPECT_EQ(resolve_operator(Config{.task = Task::denoise}).text(), "identity");
  EXPECT_EQ(resolve_operator(Config{.task = Task::restore}).text(), "identity");
  EXPECT_EQ(resolve_operator(Config{.task = Task::inpaint}).text(), "identity");
  EXPECT_EQ(resolve_operator(Config{.task = Task::super_resolution}).text(), "bicubic:factor=2");
  EXPECT_EQ(resolve_operator(Config{.task = Task::super_resolution, .scale = 4}).text(), "bicubic:factor=4");
  EXPECT_EQ(resolve_scale(Config{.task = Task::inpaint, .operator_text = "average-pool:factor=3"}), 3);
  EXPECT_EQ(resolve_operator(Config{.scale = 3}).text(), "bicubic:factor=3");  // a scale alone
  for (const int scale : {2, 8})
    EXPECT_EQ(resolve_scale(Config{.task = Task::restore, .scale = scale}), scale);  // clean up and enlarge
  EXPECT_EQ(resolve_operator(Config{.task = Task::restore, .scale = 1}).text(), "identity");
}

TEST(Resolve, RefusesWhatHasNoMeaningAndSaysWhatToDo) {
  EXPECT_NE(refusal(Config{.task = Task::deblur}).find("operator=gaussian-blur"), std::string::npos);
  EXPECT_NE(refusal(Config{.task = Task::inpaint, .scale = 2}).find("task=super-resolution"), std::string::npos);
  EXPECT_NE(refusal(Config{.task = Task::deinterlace, .scale = 2}).find("deinterlace=auto"), std::string::npos);
  EXPECT_NE(refusal(Config{.task = Task::super_resolution, .scale = 1}).find("scale=2"), std::string::npos);
  EXPECT_NE(
      refusal(Config{.task = Task::super_resolution, .scale = 3, .operator_text = "bicubic:factor=2"}).find("scale=3"),
      std::string::npos);
  EXPECT_NE(refusal(Config{.task = Task::inpaint, .mask_source = MaskSource::none}).find("mask-location"),
            std::string::npos);
  EXPECT_NE(refusal(Config{.prior_weight = 0}).find("strength=0"), std::string::npos);
  EXPECT_NE(refusal(Config{.optimizer = Optimizer::adam, .learning_rate = 0}).find("learning-rate"), std::string::npos);
  EXPECT_NE(refusal(Config{.steps = 0}).find("steps must be at least 1"), std::string::npos);
  EXPECT_EQ(refusal(Config{}), "");
}

TEST(Resolve, NoiseIsEstimatedUnlessKnownPixelsAreToStay) {
  EXPECT_TRUE(estimates_noise(Config{}));
  EXPECT_TRUE(estimates_noise(Config{.scale = 3}));
  EXPECT_TRUE(estimates_noise(Config{.task = Task::super_resolution}));
  EXPECT_TRUE(estimates_noise(Config{.task = Task::restore, .scale = 2}));
  EXPECT_FALSE(estimates_noise(Config{.noise = 0}));
  EXPECT_FALSE(estimates_noise(Config{.task = Task::inpaint}));
  EXPECT_EQ(resolve_problem(Config{.task = Task::restore}), ProblemKind::denoise);
  EXPECT_EQ(resolve_problem(Config{.scale = 2}), ProblemKind::reduce);
  EXPECT_EQ(resolve_problem(Config{.mask_source = MaskSource::alpha}), ProblemKind::fill);
}

TEST(Units, AQuantisersNoiseIsTheFloor) {
  for (int depth : {8, 10, 16})
    EXPECT_NEAR(quantisation_floor(depth), 2.0 / ((1 << depth) - 1) / std::sqrt(12.0), 1e-12) << depth;
  EXPECT_NEAR(level_to_core(25), 50.0 / 255, 1e-12);
  EXPECT_NEAR(level_to_user(level_to_core(25)), 25, 1e-12);
}

constexpr double quiet = 0.0023, noisy = 0.1;

TEST(PlanBook, UserValuesWinOverEveryPreset) {
  for (const auto& preset : names<Preset>()) {
    Config config{.preset = preset.value, .task = Task::super_resolution, .temporal = Temporal::warm_start};
    config.weighting = Weighting::square;
    config.order = Order::random;
    config.spacing = Spacing::quadratic;
    config.prior_weight = 0.5;
    config.data_weight = 2;
    config.steps = 7;
    config.start_level = 51;
    const PlanBook book(config, false);
    std::visit(
        [&](const auto& options) {
          if constexpr (requires { options.prior_weight; }) {
            EXPECT_EQ(options.weighting, Weighting::square) << preset.nick;
            EXPECT_EQ(options.prior_weight, 0.5);
            EXPECT_EQ(options.data_weight, 2);
          } else {
            FAIL() << preset.nick << " draws samples";
          }
        },
        book.options());
    const auto plan = book.at(quiet);
    for (const Pass& pass : {plan.cold, plan.warm}) {
      EXPECT_EQ(pass.order, Order::random);
      EXPECT_EQ(pass.spacing, Spacing::quadratic);
      EXPECT_EQ(pass.steps, 7);
      EXPECT_NEAR(pass.start_level, 0.4, 1e-12);
      EXPECT_LE(pass.end_level, pass.start_level);
    }
  }
}

TEST(PlanBook, AnOptimizerIsRedDiffs) {
  for (const auto& optimizer : names<Optimizer>()) {
    if (optimizer.value == Optimizer::preset || optimizer.value == Optimizer::fixed_point) continue;
    const PlanBook book(Config{.task = Task::super_resolution, .optimizer = optimizer.value}, false);
    ASSERT_EQ(book.solver(), SolverKind::red_diff) << optimizer.nick;
    const auto& options = std::get<RedDiffOptions>(book.options());
    EXPECT_EQ(options.optimizer, optimizer.value);
    EXPECT_GT(options.learning_rate, 0) << optimizer.nick;
    EXPECT_GE(book.at(quiet).cold.steps, 50) << optimizer.nick;
    EXPECT_NE(refusal(Config{.solver = SolverKind::hqs, .optimizer = optimizer.value}).find("solver=red-diff"),
              std::string::npos);
  }
}

TEST(PlanBook, SolversAreThePresetsUnlessOneIsAskedFor) {
  const auto solver = [](const Config& config) { return PlanBook(config, false).solver(); };
  EXPECT_EQ(solver({}), SolverKind::ensemble);
  EXPECT_EQ(solver({.task = Task::super_resolution}), SolverKind::hqs);
  EXPECT_EQ(solver({.preset = Preset::paper}), SolverKind::red_diff);
  EXPECT_EQ(solver({.preset = Preset::paper, .task = Task::super_resolution, .solver = SolverKind::hqs}),
            SolverKind::hqs);
  EXPECT_EQ(solver({.task = Task::super_resolution, .solver = SolverKind::red_diff}), SolverKind::red_diff);
  EXPECT_EQ(solver({.solver = SolverKind::hqs}), SolverKind::ensemble);  // noise alone: the same
  EXPECT_EQ(solver({.task = Task::super_resolution, .optimizer = Optimizer::fixed_point}), SolverKind::hqs);
  EXPECT_NE(refusal({.task = Task::super_resolution, .solver = SolverKind::ensemble}).find("solver=hqs"),
            std::string::npos);
  EXPECT_NE(refusal({.solver = SolverKind::red_diff, .optimizer = Optimizer::fixed_point}).find("solver=hqs"),
            std::string::npos);
}

TEST(PlanBook, AutoIsLiveOnALiveSourceOnly) {
  const auto steps = [](Preset preset, bool live) {
    return PlanBook(Config{.preset = preset, .task = Task::super_resolution}, live).at(quiet).cold.steps;
  };
  EXPECT_EQ(steps(Preset::automatic, true), steps(Preset::live, false));
  EXPECT_EQ(steps(Preset::automatic, false), steps(Preset::quality, true));
  EXPECT_LT(steps(Preset::live, false), steps(Preset::quality, false));
  EXPECT_LT(steps(Preset::quality, false), steps(Preset::archive, false));
}

// The table of the README, for the filter and what it does not know.
TEST(PlanBook, TheProblemChoosesTheShape) {
  const std::string blur = "gaussian-blur:sigma=1";
  const std::string mask = "mask.png";
  const auto shape = [](Config config, double sigma_y) { return PlanBook(config, false).at(sigma_y).shape; };
  EXPECT_EQ(shape({}, noisy), Shape::noisy_pictures);
  EXPECT_EQ(shape({.mask_location = mask}, noisy), Shape::holed_pictures);
  EXPECT_EQ(shape({.task = Task::super_resolution}, quiet), Shape::reduced_pictures);
  EXPECT_EQ(shape({.task = Task::super_resolution}, noisy), Shape::reduced_measurements);
  EXPECT_EQ(shape({.task = Task::super_resolution, .mask_location = mask}, noisy), Shape::warm_started);
  EXPECT_EQ(shape({.operator_text = blur}, noisy), Shape::blurred_measurements);
  EXPECT_EQ(shape({.operator_text = blur, .mask_location = mask}, noisy), Shape::warm_started);
  EXPECT_EQ(shape({.operator_text = "gray"}, noisy), Shape::warm_started);
  EXPECT_EQ(shape({.optimizer = Optimizer::adam}, noisy), Shape::warm_started);
  EXPECT_EQ(shape({.temporal = Temporal::warm_start}, noisy), Shape::fused_start);
  EXPECT_EQ(shape({.operator_text = blur, .temporal = Temporal::warm_start}, noisy), Shape::warm_started);
  for (const auto& task : names<Task>())
    EXPECT_EQ(
        shape({.task = task.value, .operator_text = blur, .temporal = Temporal::none, .mask_location = mask}, noisy),
        Shape::independent);
}

// What a codec left is taken away before a picture is enlarged, if all of it was measured and the data step is exact.
TEST(PlanBook, CleansFirstWhereACodecHasBeen) {
  const auto shape = [](const Config& config) { return PlanBook(config, false).at(noisy, -1, Errors::codec).shape; };
  for (const Task task : {Task::super_resolution, Task::restore}) {
    EXPECT_EQ(shape({.task = task, .scale = 2}), Shape::cleaned_pictures);
    EXPECT_EQ(shape({.task = task, .scale = 2, .temporal = Temporal::warm_start}), Shape::cleaned_start);
    EXPECT_EQ(shape({.task = task, .scale = 2, .temporal = Temporal::none}), Shape::cleaned);
  }
  const std::string mask = "mask.png";
  for (const Config& config :
       {Config{.task = Task::restore}, Config{.scale = 2, .mask_location = mask}, Config{.operator_text = "gray"},
        Config{.preset = Preset::paper, .scale = 2}, Config{.operator_text = "gaussian-blur:sigma=1"}}) {
    EXPECT_FALSE(PlanBook(config, false).cleans_first());
    EXPECT_EQ(shape(config), PlanBook(config, false).at(noisy).shape);
  }
}

// Cleaned and filtered, a picture is enlarged as one without noise.
TEST(PlanBook, EnlargesWhatIsCleanedAsWithoutNoise) {
  for (const auto& preset : names<Preset>())
    for (const int most : {-1, 1, 3}) {
      const PlanBook book({.preset = preset.value, .scale = 2}, false);
      if (!book.cleans_first()) continue;
      const auto cleaned = book.at(noisy, most, Errors::codec), plain = book.at(quiet, most);
      for (const auto& pass : {&Plan::cold, &Plan::warm, &Plan::along, &Plan::afresh}) {
        EXPECT_EQ((cleaned.*pass).steps, (plain.*pass).steps) << preset.nick;
        EXPECT_EQ((cleaned.*pass).start_level, (plain.*pass).start_level) << preset.nick;
        EXPECT_EQ((cleaned.*pass).end_level, (plain.*pass).end_level) << preset.nick;
      }
    }
}

TEST(PlanBook, SharesTheStepsOfIntervals) {
  for (const auto& preset : names<Preset>())
    for (const int most : {-1, 1, 2, 3}) {
      const PlanBook book({.preset = preset.value, .task = Task::restore}, false);
      const auto plan = book.at(noisy, most, Errors::intervals);
      EXPECT_EQ(plan.shape, Shape::coded_pictures);
      EXPECT_EQ(plan.along.steps, 1) << preset.nick;
      EXPECT_GE(plan.cold.steps, 0) << preset.nick;
      EXPECT_TRUE(most < 0 || plan.cold.steps + plan.along.steps <= most) << preset.nick;
      EXPECT_GE(plan.cold.start_level, plan.along.start_level) << preset.nick;
    }
  const auto user =
      PlanBook({.task = Task::restore, .steps = 3, .start_level = 20}, false).at(noisy, -1, Errors::intervals);
  EXPECT_EQ(user.cold.steps, 2);
  EXPECT_NEAR(user.cold.start_level, level_to_core(20), 1e-12);
  EXPECT_EQ(PlanBook({.task = Task::restore, .temporal = Temporal::none}, false).at(noisy, -1, Errors::intervals).shape,
            Shape::coded);
}

// Whatever is asked, no pass of a plan has more calls than are allowed, and some pass has one.
TEST(PlanBook, KeepsToTheMostCalls) {
  for (const auto& task : names<Task>())
    for (const auto& preset : names<Preset>())
      for (const auto& mode : names<Temporal>())
        for (const double sigma_y : {quiet, noisy})
          for (const int most : {1, 2, 3}) {
            Config config{.preset = preset.value, .task = task.value, .temporal = mode.value};
            if (task.value == Task::deblur) config.operator_text = "gaussian-blur:sigma=1";
            const auto plan = PlanBook(config, false).at(sigma_y, most);
            EXPECT_TRUE(plan.cold.steps >= 1 && plan.cold.steps <= most) << task.nick << preset.nick << mode.nick;
            EXPECT_TRUE(plan.warm.steps >= 1 && plan.warm.steps <= most) << task.nick << preset.nick << mode.nick;
            const bool shares = plan.shape == Shape::noisy_pictures || plan.shape == Shape::holed_pictures ||
                                plan.shape == Shape::reduced_pictures;
            if (shares) {
              const Pass& alone = plan.shape == Shape::reduced_pictures ? plan.warm : plan.cold;
              EXPECT_LE(alone.steps + plan.along.steps, most) << task.nick << preset.nick << mode.nick;
            }
          }
}

TEST(Presets, PaperIsThePublishedMethod) {
  const auto options = [](ProblemKind kind) {
    return std::get<RedDiffOptions>(preset_options(Preset::paper, kind, SolverKind::red_diff));
  };
  EXPECT_EQ(preset_solver(Preset::paper, ProblemKind::reduce), SolverKind::red_diff);
  EXPECT_EQ(options(ProblemKind::reduce).optimizer, Optimizer::adam);
  EXPECT_EQ(options(ProblemKind::reduce).weighting, Weighting::linear);
  EXPECT_EQ(options(ProblemKind::reduce).prior_weight, 0.25);
  EXPECT_EQ(options(ProblemKind::reduce).learning_rate, 0.1);
  EXPECT_EQ(options(ProblemKind::fill).learning_rate, 0.5);
  EXPECT_FALSE(options(ProblemKind::fill).optimizer_epsilon.has_value());
  EXPECT_EQ(options(ProblemKind::fill).returned, Returned::before_last_step);
  const auto pass = preset_passes({Preset::paper, ProblemKind::reduce, SolverKind::red_diff, 0.01}).cold;
  EXPECT_EQ(pass.steps, 100);
  EXPECT_EQ(pass.start_level, 0);  // the whole schedule
}

}  // namespace
}  // namespace reddiff
