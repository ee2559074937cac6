// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Motion carried from where the picture shows it to where it does not.
#include <gtest/gtest.h>

#include "core/temporal/steady_flow.h"
#include "tests/core/motion_helpers.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr std::int64_t height = 96, width = 128;
constexpr double sv = 0.2;

at::Tensor miss(const at::Tensor& flow, double u, double v) { return flow - constant_flow(height, width, u, v); }

TEST(SteadyFlow, KeepsMotionThatIsTheSameEverywhere) {
  for (const auto& picture : {scene(height, width, 1), at::full({1, 3, height, width}, 0.3)})
    EXPECT_LT(
        miss(steady_flow(constant_flow(height, width, -3.25, 1.5), picture, sv), -3.25, 1.5).abs().max().item<double>(),
        1e-3);
}

TEST(SteadyFlow, FlatSurfacesMoveAsTheirSurroundings) {
  auto picture = scene(height, width, 2);
  picture.narrow(3, 32, 64).narrow(2, 24, 48).fill_(0.1);
  auto flow = constant_flow(height, width, 2, -1);
  flow.narrow(3, 40, 48).narrow(2, 32, 32).add_(4 * noise({1, 2, 32, 48}, 3));
  const auto steady = miss(steady_flow(flow, picture, sv), 2, -1).narrow(3, 42, 44).narrow(2, 34, 28);
  EXPECT_LT(rms(steady), 0.5);  // it was 4
}

// A vertical edge shows motion across itself, none along.
TEST(SteadyFlow, AnEdgeKeepsWhatItShows) {
  auto picture = at::full({1, 3, height, width}, -0.8);
  picture.narrow(3, 64, width - 64).fill_(0.8);
  auto flow = at::zeros({1, 2, height, width});
  flow.select(1, 0).narrow(2, 58, 12).fill_(5);
  flow.select(1, 1).copy_(3 * noise({height, width}, 4));
  const auto steady = steady_flow(flow, picture, sv).narrow(3, 63, 2).narrow(2, 8, height - 16);
  EXPECT_LT((steady.select(1, 0) - 5).abs().max().item<double>(), 0.1);
  EXPECT_LT(rms(steady.select(1, 1)), 0.6);
}

TEST(SteadyFlow, TextureMovesOnItsOwn) {
  const auto picture = noise({1, 3, height, width}, 5).clamp(-1, 1);
  auto flow = constant_flow(height, width, 0, 0);
  flow.narrow(3, 64, 64).fill_(6);
  const auto steady = steady_flow(flow, picture, sv);
  EXPECT_LT(inside(steady.narrow(3, 0, 60), 2).abs().max().item<double>(), 0.3);
  EXPECT_LT((inside(steady.narrow(3, 68, 60), 2) - 6).abs().max().item<double>(), 0.3);
}

// A GPU's steps are those of the operators, whatever the size.
TEST(SteadyFlow, StepsAreTheOperators) {
  for (const auto& [rows, columns] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {2, 5}, {3, 300}, {33, 17}, {96, 128}})
    for (const double level : {0.002, 0.2, 5.0}) {
      const auto picture = scene(rows, columns, 8) + 0.1 * noise({1, 3, rows, columns}, 9);
      const auto flow = 3 * noise({1, 2, rows, columns}, 10);
      const auto expected = steady_flow(flow, picture, level), found = steady_flow_by_steps(flow, picture, level);
      ASSERT_EQ(found.sizes(), expected.sizes());
      EXPECT_LT((found - expected).abs().max().item<double>(), 2e-3) << rows << "x" << columns << " " << level;
    }
}

TEST(SteadyFlow, IsFiniteForEverySizeAndLevel) {
  for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {2, 5}, {3, 300}, {33, 17}})
    for (const double level : {1e-6, 0.002, 5.0}) {
      const auto flow = noise({1, 2, rows, columns}, 6);
      for (const auto& picture : {at::zeros({1, 3, rows, columns}), noise({1, 3, rows, columns}, 7)}) {
        const auto steady = steady_flow(flow, picture, level);
        ASSERT_EQ(steady.sizes(), flow.sizes());
        EXPECT_TRUE(steady.isfinite().all().item<bool>()) << rows << "x" << columns << " " << level;
        EXPECT_LE(steady.abs().max().item<double>(), 1.5 * flow.abs().max().item<double>() + 1e-3);
      }
    }
}

}  // namespace
}  // namespace reddiff
