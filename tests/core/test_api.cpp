// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From what a user sets to what the solver runs with; no torch here.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/api/config.h"
#include "core/api/error.h"
#include "core/api/presets.h"

namespace reddiff {
namespace {

std::string refusal(const Config& config) {
  try {
    resolve(config, false, 8);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::settings);
    return error.what();
  }
  return "";
}

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
  check_names<Solver>();
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
}

TEST(Resolve, RefusesWhatHasNoMeaningAndSaysWhatToDo) {
  EXPECT_NE(refusal(Config{.task = Task::deblur}).find("operator=gaussian-blur"), std::string::npos);
  EXPECT_NE(refusal(Config{.task = Task::denoise, .scale = 2}).find("task=super-resolution"), std::string::npos);
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

TEST(Resolve, NoiseIsNeverZeroAndHasTheInputsQuantisationAsFloor) {
  for (int depth : {8, 10, 16}) {
    const auto resolved = resolve(Config{.task = Task::super_resolution, .noise = 0}, false, depth);
    EXPECT_NEAR(resolved.noise, 2.0 / ((1 << depth) - 1) / std::sqrt(12.0), 1e-12) << depth;
  }
  EXPECT_NEAR(resolve(Config{.noise = 25}, false, 8).noise, 50.0 / 255, 1e-12);
  EXPECT_TRUE(estimates_noise(Config{}));
  EXPECT_FALSE(estimates_noise(Config{.noise = 0}));
  EXPECT_FALSE(estimates_noise(Config{.task = Task::super_resolution}));
}

TEST(Resolve, UserValuesWinOverEveryPreset) {
  for (const auto& preset : names<Preset>()) {
    Config config{.preset = preset.value, .task = Task::super_resolution};
    config.weighting = Weighting::square;
    config.order = Order::random;
    config.spacing = Spacing::quadratic;
    config.prior_weight = 0.5;
    config.data_weight = 2;
    config.steps = 7;
    config.start_level = 51;
    const auto resolved = resolve(config, false, 8);
    for (const auto& solver : {resolved.cold, resolved.warm}) {
      EXPECT_EQ(solver.weighting, Weighting::square) << preset.nick;
      EXPECT_EQ(solver.order, Order::random);
      EXPECT_EQ(solver.spacing, Spacing::quadratic);
      EXPECT_EQ(solver.prior_weight, 0.5);
      EXPECT_EQ(solver.data_weight, 2);
      EXPECT_EQ(solver.steps, 7);
      EXPECT_NEAR(solver.start_level, 0.4, 1e-12);
      EXPECT_LE(solver.end_level, solver.start_level);
    }
  }
}

TEST(Resolve, AnotherOptimizerGetsTheGradientsItIsMadeFor) {
  for (const auto& optimizer : names<Optimizer>()) {
    if (optimizer.value == Optimizer::preset || optimizer.value == Optimizer::fixed_point) continue;
    const auto solver = resolve(Config{.task = Task::super_resolution, .optimizer = optimizer.value}, false, 8).cold;
    EXPECT_EQ(solver.renoise, Renoise::every_step) << optimizer.nick;
    EXPECT_EQ(solver.balance, Balance::fixed) << optimizer.nick;
    EXPECT_GT(solver.learning_rate, 0) << optimizer.nick;
  }
}

TEST(Resolve, AutoIsLiveOnALiveSourceOnly) {
  const Config config{.task = Task::super_resolution};
  const auto steps = [&](Preset preset, bool live) {
    Config changed = config;
    changed.preset = preset;
    return resolve(changed, live, 8).cold.steps;
  };
  EXPECT_EQ(steps(Preset::automatic, true), steps(Preset::live, false));
  EXPECT_EQ(steps(Preset::automatic, false), steps(Preset::quality, true));
  EXPECT_LT(steps(Preset::live, false), steps(Preset::quality, false));
  EXPECT_LT(steps(Preset::quality, false), steps(Preset::archive, false));
}

TEST(Presets, PaperIsThePublishedMethod) {
  const auto solver = preset_solver(Preset::paper, ProblemKind::reduce, 0.01).cold;
  EXPECT_EQ(solver.optimizer, Optimizer::adam);
  EXPECT_EQ(solver.weighting, Weighting::linear);
  EXPECT_EQ(solver.renoise, Renoise::every_step);
  EXPECT_EQ(solver.prior_weight, 0.25);
  EXPECT_EQ(solver.learning_rate, 0.1);
  EXPECT_EQ(preset_solver(Preset::paper, ProblemKind::fill, 0.01).cold.learning_rate, 0.5);
  EXPECT_TRUE(solver.epsilon_of_mean_loss && solver.return_before_step);
  EXPECT_EQ(solver.start_level, 0);  // the whole schedule
}

}  // namespace
}  // namespace reddiff
