// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What solvers are made of: levels and their weights, noise, the symmetries of the square.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/solvers/rng.h"
#include "core/solvers/schedule.h"
#include "core/solvers/symmetry.h"

namespace reddiff {
namespace {

TEST(Schedule, HasTheDiffusionsLevels) {
  // Values of the linear-beta schedule that the literature quotes.
  EXPECT_NEAR(diffusion_level(0), 0.0100, 1e-4);
  EXPECT_NEAR(diffusion_level(99), 0.339, 1e-3);
  EXPECT_NEAR(diffusion_level(499), 3.42, 1e-2);
  EXPECT_NEAR(diffusion_level(999), 157, 1);
  for (double t : {0.0, 0.5, 17.25, 500.0, 998.9}) EXPECT_NEAR(diffusion_time(diffusion_level(t)), t, 1e-6);
}

TEST(Schedule, PaperListsEndAtZeroAndRoundTheSkipDown) {
  Pass pass;
  for (auto [asked, real] : {std::pair{10, 10}, {50, 50}, {75, 77}, {300, 334}, {600, 1000}}) {
    pass.steps = asked;
    const auto levels = make_levels(pass, 1e-4, 1e4, 0);
    EXPECT_EQ(static_cast<int>(levels.size()), real);
    EXPECT_DOUBLE_EQ(levels.back(), diffusion_level(0));
  }
  pass.steps = 50;
  const auto cut = make_levels(pass, 0.05, 5, 0);
  EXPECT_LT(cut.size(), 50u);
  for (double level : cut) EXPECT_TRUE(level >= 0.05 && level <= 5);
}

TEST(Schedule, RangedListsHaveExactEndsInEveryOrder) {
  Pass pass;
  pass.start_level = 0.7;
  pass.end_level = 0.02;
  for (auto spacing : {Spacing::uniform, Spacing::quadratic})
    for (int steps : {1, 2, 5, 9}) {
      pass.spacing = spacing;
      pass.steps = steps;
      pass.order = Order::descending;
      auto falling = make_levels(pass, 0.003, 5, 0);
      ASSERT_EQ(static_cast<int>(falling.size()), steps);
      EXPECT_DOUBLE_EQ(falling.front(), 0.7);
      if (steps > 1) {
        EXPECT_DOUBLE_EQ(falling.back(), 0.02);
      }
      EXPECT_TRUE(std::is_sorted(falling.rbegin(), falling.rend()));
      pass.order = Order::ascending;
      auto rising = make_levels(pass, 0.003, 5, 0);
      std::reverse(rising.begin(), rising.end());
      EXPECT_EQ(rising, falling);
      pass.order = Order::random;
      auto shuffled = make_levels(pass, 0.003, 5, 3);
      EXPECT_EQ(shuffled, make_levels(pass, 0.003, 5, 3));
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
  const auto x = normal_field(1, 0, {1, 3, 5, 7}, at::kCPU);
  const auto square = normal_field(1, 1, {1, 3, 6, 6}, at::kCPU);
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(undo_symmetry(apply_symmetry(x, i), i).equal(x)) << i;
    for (int j = 0; j < i; ++j) EXPECT_FALSE(apply_symmetry(square, i).equal(apply_symmetry(square, j))) << i << j;
  }
}

}  // namespace
}  // namespace reddiff
