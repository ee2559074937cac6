// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/temporal/scene_cut.h"
#include "core/temporal/warp.h"
#include "tests/core/motion_helpers.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

// ---- warp

TEST(Warp, NoMotionIsIdentity) {
  for (auto filter : {WarpFilter::bilinear, WarpFilter::bicubic})
    for (std::int64_t side : {1, 2, 37, 700}) {
      const at::Tensor picture = noise({2, 3, 5, side}, 1);
      const at::Tensor moved = warp(picture, at::zeros({2, 2, 5, side}), filter);
      EXPECT_TRUE(moved.equal(picture));
    }
}

TEST(Warp, WholePixelsShift) {
  for (auto filter : {WarpFilter::bilinear, WarpFilter::bicubic}) {
    const at::Tensor picture = noise({1, 3, 20, 31}, 2);
    const at::Tensor moved = warp(picture, constant_flow(20, 31, 3, -2), filter);
    const at::Tensor expected = at::roll(picture, {2, -3}, {2, 3});
    EXPECT_TRUE(inside(moved, 4).equal(inside(expected, 4)));
    // However far: of 3000 columns all but the border come from 2900 pixels away.
    const at::Tensor wide = noise({1, 1, 2, 3000}, 3);
    const at::Tensor far = warp(wide, constant_flow(2, 3000, 2900, 0), filter);
    EXPECT_TRUE(far.narrow(3, 0, 99).equal(wide.narrow(3, 2900, 99)));
  }
}

TEST(Warp, AgreesWithGridSampler) {
  for (auto filter : {WarpFilter::bilinear, WarpFilter::bicubic})
    for (auto type : {at::kFloat, at::kDouble})
      for (auto [height, width] : {std::pair{1, 1}, {1, 9}, {3, 2}, {24, 33}, {100, 320}}) {
        const at::Tensor picture = noise({2, 3, height, width}, 5).to(type);
        const at::Tensor flow = noise({2, 2, height, width}, 6).to(type) * 8;
        const at::Tensor moved = warp(picture, flow, filter);
        EXPECT_EQ(moved.scalar_type(), type);
        EXPECT_LT((moved - warp_with_aten(picture, flow, filter)).abs().max().item<double>(), 1e-3)
            << height << "x" << width;
      }
}

// Against the definition in double precision, where the units of grid_sampler are exact enough.
TEST(Warp, FloatKeepsThePlaceInWidePictures) {
  const at::Tensor picture = noise({1, 1, 4, 8000}, 7), flow = noise({1, 2, 4, 8000}, 8) * 20;
  for (auto filter : {WarpFilter::bilinear, WarpFilter::bicubic}) {
    const at::Tensor exact = warp_with_aten(picture.to(at::kDouble), flow.to(at::kDouble), filter);
    EXPECT_LT((warp(picture, flow, filter) - exact).abs().max().item<double>(), 1e-5);
  }
}

TEST(Warp, AnyFlowStaysInside) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const at::Tensor picture = noise({1, 2, 6, 8}, 9);
  const auto left = picture.narrow(3, 0, 1).expand_as(picture), right = picture.narrow(3, 7, 1).expand_as(picture);
  for (auto filter : {WarpFilter::bilinear, WarpFilter::bicubic})
    for (const auto& moves : {warp, warp_with_aten}) {
      const auto moved = [&](double u, double v) { return moves(picture, constant_flow(6, 8, u, v), filter); };
      const auto near = [](const at::Tensor& a, const at::Tensor& b) { return at::allclose(a, b, 0, 1e-5); };
      for (const double far : {20.0, 3e9, 1e30, infinity}) {
        EXPECT_TRUE(near(moved(far, 0), right)) << far;
        EXPECT_TRUE(near(moved(-far, 0), left)) << far;
        EXPECT_TRUE(near(moved(far, -far), right.narrow(2, 0, 1).expand_as(picture))) << far;
      }
      EXPECT_TRUE(near(moved(NAN, NAN), picture));
      EXPECT_TRUE(near(moved(NAN, 2), moved(0, 2)));
    }
}

TEST(Warp, SamplesOfAnyMemoryLayout) {
  const at::Tensor picture = noise({2, 3, 20, 24}, 10), flow = noise({2, 2, 20, 24}, 11) * 3;
  const at::Tensor expected = warp(picture, flow, WarpFilter::bicubic);
  EXPECT_TRUE(expected.equal(warp(picture.contiguous(at::MemoryFormat::ChannelsLast),
                                  flow.contiguous(at::MemoryFormat::ChannelsLast), WarpFilter::bicubic)));
  const at::Tensor wide = at::cat({picture, picture}, 3);
  EXPECT_TRUE(expected.equal(warp(wide.narrow(3, 24, 24), flow, WarpFilter::bicubic)));
}

TEST(Warp, AnyNumberOfThreadsGivesTheSameBytes) {
  const at::Tensor picture = noise({2, 3, 90, 500}, 12), flow = noise({2, 2, 90, 500}, 13) * 5;
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor expected = warp(picture, flow, WarpFilter::bicubic);
  for (const int threads : {2, 3, 7}) {
    at::set_num_threads(threads);
    EXPECT_TRUE(expected.equal(warp(picture, flow, WarpFilter::bicubic))) << threads;
  }
  at::set_num_threads(before);
}

TEST(Warp, FractionsFollowARamp) {
  const at::Tensor ramp = at::arange(40, at::kFloat).view({1, 1, 1, 40}).expand({1, 1, 16, 40}) / 20 - 1;
  const auto miss = [&](WarpFilter filter) {  // in pixels
    const at::Tensor moved = warp(ramp, constant_flow(16, 40, 0.3, 0.7), filter);
    return 20 * (inside(moved, 3) - inside(ramp, 3) - 0.3 / 20).abs().max().item<double>();
  };
  EXPECT_LT(miss(WarpFilter::bilinear), 1e-4);
  EXPECT_LT(miss(WarpFilter::bicubic), 0.05);  // grid_sampler's kernel (a = -0.75) bends ramps by (2a+1) t (1-t) (1-2t)
}

TEST(Warp, BorderRepeats) {
  const at::Tensor picture = noise({1, 2, 6, 8}, 3);
  const at::Tensor moved = warp(picture, constant_flow(6, 8, 100, 0), WarpFilter::bilinear);
  EXPECT_TRUE(moved.equal(picture.narrow(3, 7, 1).expand_as(moved)));
}

TEST(Warp, BicubicKeepsMoreDetailThanBilinear) {
  const at::Tensor picture = scene(64, 96, 4);
  const at::Tensor there = constant_flow(64, 96, 0.5, 0.5), back = constant_flow(64, 96, -0.5, -0.5);
  const auto loss = [&](WarpFilter filter) {
    return inside(warp(warp(picture, there, filter), back, filter) - picture, 4).square().mean().item<double>();
  };
  EXPECT_LT(loss(WarpFilter::bicubic), 0.5 * loss(WarpFilter::bilinear));
}

TEST(Warp, BatchEqualsSingles) {
  const at::Tensor pictures = noise({3, 3, 24, 33}, 5);
  const at::Tensor flows = noise({3, 2, 24, 33}, 6) * 4;
  const at::Tensor together = warp(pictures, flows, WarpFilter::bicubic);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(
        together.narrow(0, i, 1).equal(warp(pictures.narrow(0, i, 1), flows.narrow(0, i, 1), WarpFilter::bicubic)));
  }
}

// ---- trusted_motion

TEST(TrustedMotion, ConsistentMotionIsTrustedButForWhatComesIn) {
  const at::Tensor trusted = trusted_motion(constant_flow(20, 30, 5, 0), constant_flow(20, 30, -5, 0));
  ASSERT_EQ(trusted.sizes(), (at::IntArrayRef{1, 1, 20, 30}));
  EXPECT_TRUE(trusted.narrow(3, 0, 25).eq(1).all().item<bool>());
  EXPECT_TRUE(trusted.narrow(3, 25, 5).eq(0).all().item<bool>());
}

TEST(TrustedMotion, HalfAPixelOutsideIsAllowed) {
  const at::Tensor near = trusted_motion(constant_flow(8, 8, 0, -0.4), constant_flow(8, 8, 0, 0.4));
  EXPECT_TRUE(near.eq(1).all().item<bool>());
  const at::Tensor far = trusted_motion(constant_flow(8, 8, 0, -0.6), constant_flow(8, 8, 0, 0.6));
  EXPECT_TRUE(far.narrow(2, 0, 1).eq(0).all().item<bool>());
  EXPECT_TRUE(far.narrow(2, 1, 7).eq(1).all().item<bool>());
}

TEST(TrustedMotion, MissingTheStartIsNotTrusted) {
  // |b + f|^2 = 4 > 0.01 * (36 + 16) + 0.5
  const at::Tensor missed = trusted_motion(constant_flow(32, 32, 6, 0), constant_flow(32, 32, -4, 0));
  EXPECT_TRUE(missed.eq(0).all().item<bool>());
  // |b + f|^2 = 0.36 < 0.5
  const at::Tensor near = trusted_motion(constant_flow(32, 32, 1, 0), constant_flow(32, 32, -0.4, 0));
  EXPECT_TRUE(near.narrow(3, 0, 31).eq(1).all().item<bool>());
}

TEST(TrustedMotion, BatchIsIndependent) {
  const at::Tensor backward = at::cat({constant_flow(16, 16, 0, 0), constant_flow(16, 16, 4, 0)});
  const at::Tensor trusted = trusted_motion(backward, at::zeros({2, 2, 16, 16}));
  EXPECT_TRUE(trusted[0].eq(1).all().item<bool>());
  EXPECT_TRUE(trusted[1].eq(0).all().item<bool>());
}

// ---- scene cut

TEST(SceneCut, SameSceneIsNear) {
  const at::Tensor a = scene(144, 256, 11);
  EXPECT_EQ(scene_distance(a, a), 0);
  EXPECT_LT(scene_distance(a * 0.6, a * 0.6 + 0.3), 0.01);
  const double level = 25 * 2 / 255.0;
  EXPECT_LT(scene_distance(a + level * noise({1, 3, 144, 256}, 1), a + level * noise({1, 3, 144, 256}, 2)), 0.1);
}

TEST(SceneCut, PansAreNear) {
  const at::Tensor large = scene(220, 400, 12);
  const auto crop = [&](std::int64_t y, std::int64_t x) { return large.narrow(2, 30 + y, 160).narrow(3, 40 + x, 320); };
  EXPECT_LT(scene_distance(crop(0, 0), crop(0, 10)), 0.15);
  EXPECT_LT(scene_distance(crop(0, 0), crop(8, -16)), 0.25);
}

TEST(SceneCut, OtherScenesAreFar) {
  double sum = 0;
  for (std::uint64_t seed = 20; seed < 30; ++seed) {
    const at::Tensor a = scene(144, 256, seed), b = scene(144, 256, seed + 100);
    const double distance = scene_distance(a, b);
    EXPECT_GT(distance, 0.45) << seed;
    EXPECT_LE(distance, 1) << seed;
    EXPECT_NEAR(distance, scene_distance(b, a), 1e-6) << seed;
    sum += distance;
  }
  EXPECT_GT(sum / 10, 0.6);
  EXPECT_GT(scene_distance(at::full({1, 3, 144, 256}, -1.0), scene(144, 256, 20)), 0.6);
}

TEST(SceneCut, FlatPicturesAreTheSame) {
  EXPECT_LT(scene_distance(at::full({1, 3, 90, 160}, -1.0), at::full({1, 3, 90, 160}, 0.5)), 1e-6);
  const double level = 25 * 2 / 255.0;
  EXPECT_LT(scene_distance(level * noise({1, 3, 64, 64}, 1), level * noise({1, 3, 64, 64}, 2)), 0.3);
}

TEST(SceneCut, AnySizeAndChannels) {
  for (auto [height, width] : {std::pair{1, 1}, {2, 3}, {1, 300}, {300, 4}, {720, 31}}) {
    const at::Tensor a = scene(height, width, 1), b = scene(height, width, 2);
    for (std::int64_t channels : {1, 3}) {
      const double distance = scene_distance(a.narrow(1, 0, channels), b.narrow(1, 0, channels));
      EXPECT_GE(distance, 0);
      EXPECT_LE(distance, 1);
      EXPECT_EQ(scene_distance(a.narrow(1, 0, channels), a.narrow(1, 0, channels)), 0);
    }
  }
}

TEST(SceneCut, Threshold) {
  const at::Tensor a = scene(144, 256, 40), b = scene(144, 256, 41);
  EXPECT_TRUE(is_scene_cut(a, b, 0.35));
  EXPECT_FALSE(is_scene_cut(a, a, 0.35));
  EXPECT_FALSE(is_scene_cut(a, b, 0));
}

}  // namespace
}  // namespace reddiff
