// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From the previous solution to the next start.
#include <gtest/gtest.h>

#include "core/temporal/fuse.h"
#include "core/temporal/warm_start.h"
#include "tests/core/motion_helpers.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

// A window that moves over one large scene.
at::Tensor window(std::uint64_t seed, std::int64_t left, std::int64_t top) {
  return scene(160, 224, seed).narrow(2, top, 96).narrow(3, left, 128).contiguous();
}

TEST(WarmStart, HasNoPastAtFirstAndAfterReset) {
  WarmStartAlone warm(0.35);
  const auto frame = window(1, 0, 0);
  EXPECT_FALSE(warm.predict(frame, 0.01, true).moved.defined());
  warm.remember(frame, frame);
  EXPECT_TRUE(warm.predict(frame, 0.01, true).moved.defined());
  warm.reset();
  EXPECT_FALSE(warm.predict(frame, 0.01, true).moved.defined());
}

TEST(WarmStart, FollowsThePictureAndDistrustsWhatComesIn) {
  WarmStartAlone warm(0.35);
  const auto before = window(2, 20, 20), now = window(2, 26, 17);
  warm.remember(before, before);
  const auto prediction = warm.predict(now, 0.01, true);
  EXPECT_FALSE(prediction.cut);
  const auto error = (prediction.moved - now).abs().mean(1, true);
  const auto trusted = prediction.trust > 0.99;
  EXPECT_GT(trusted.to(at::kFloat).mean().item<double>(), 0.7);
  EXPECT_LT(error.masked_select(trusted).mean().item<double>(), 0.02);
  // Six columns entered at the right, three rows at the top.
  EXPECT_LT(prediction.trust.narrow(3, prediction.trust.size(3) - 4, 4).mean().item<double>(), 0.1);
}

// In noise motion is found at half the size, which an odd picture is not twice of.
TEST(WarmStart, OddPicturesMoveAsFarAsEvenOnes) {
  constexpr std::int64_t height = 97, width = 129;
  const auto odd = [](std::int64_t top) {
    return scene(160, 160, 2).narrow(2, top, height).narrow(3, 20, width).contiguous();
  };
  const auto ramp = at::arange(height, at::kFloat).view({1, 1, -1, 1}).expand({1, 3, height, width}).contiguous();
  WarmStartAlone warm(0);
  warm.remember(odd(20), ramp);
  const auto moved = warm.predict(odd(36), 0.1, true).moved - ramp;        // everything was 16 pixels below
  EXPECT_NEAR(moved.narrow(2, 30, 40).median().item<double>(), 16, 0.15);  // 16.33 by the sizes' quotient
}

TEST(WarmStart, ForgetsTheOldSceneAtACut) {
  WarmStartAlone warm(0.35);
  warm.remember(window(3, 0, 0), window(3, 0, 0));
  const auto prediction = warm.predict(-window(3, 0, 0), 0.01, true);
  EXPECT_TRUE(prediction.cut);
  EXPECT_FALSE(prediction.moved.defined());
  EXPECT_FALSE(warm.predict(window(3, 0, 0), 0.01, true).moved.defined());
}

TEST(WarmStart, TakesNoTrustWhenNoneIsAskedFor) {
  WarmStartAlone warm(0);
  const auto frame = window(1, 0, 0);
  warm.remember(frame, frame);
  const auto prediction = warm.predict(frame, 0.1, false);
  EXPECT_TRUE(prediction.moved.defined());
  EXPECT_FALSE(prediction.trust.defined());
}

// Whoever asks second in a frame hears what the first was told, about the motion and about the scene.
TEST(Motion, IsFoundOncePerFrame) {
  const MotionSearch search{0.35, make_flow()};
  const auto before = window(2, 20, 20), now = window(2, 26, 17);
  Motion motion(search);
  const auto flow = motion.backward(now, before);
  EXPECT_TRUE(motion.backward(before, now).equal(flow));
  EXPECT_FALSE(motion.is_cut(now, before));
  EXPECT_FALSE(motion.is_cut(now, -before));
  EXPECT_TRUE(Motion(search).is_cut(now, -before));
}

TEST(Fuse, LowersTheNoiseWhereTheMovedPictureIsRight) {
  const auto truth = window(5, 0, 0);
  for (double sigma : {0.05, 0.2, 0.4}) {
    const auto y = truth + sigma * noise({1, 3, 96, 128}, 9);
    const auto fused = fuse(y, truth, sigma);
    const double left = rms(fused.mu - truth);
    EXPECT_LT(left, 0.9 * sigma);
    EXPECT_NEAR(left, fused.level.mean().item<double>(), 0.15 * sigma);
    EXPECT_LE(fused.level.max().item<double>(), sigma);
  }
}

TEST(Fuse, KeepsTheMeasurementWhereTheMovedPictureIsWrong) {
  const auto truth = window(6, 0, 0);
  const double sigma = 0.1;
  const auto y = truth + sigma * noise({1, 3, 96, 128}, 9);
  auto moved = truth.clone();
  moved.narrow(3, 0, 64).add_(0.8);
  const auto fused = fuse(y, moved, sigma);
  EXPECT_LT((fused.mu - y).narrow(3, 0, 56).abs().max().item<double>(), 0.03);
  EXPECT_GT(fused.level.narrow(3, 0, 56).min().item<double>(), 0.97 * sigma);
  EXPECT_LT(fused.level.narrow(3, 80, 48).mean().item<double>(), 0.93 * sigma);
}

}  // namespace
}  // namespace reddiff
