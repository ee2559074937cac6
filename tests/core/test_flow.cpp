// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Motion between two pictures: what flow.h promises, for each search, and how near ours comes.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include "core/temporal/flow.h"
#include "core/temporal/warp.h"
#include "tests/core/motion_helpers.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

// `from` is a crop of a large scene and `to` another one (u, v) pixels further on.
struct Pan {
  at::Tensor to, from;
};

Pan pan(double u, double v) {
  const at::Tensor large = scene(220, 300, 8);
  const at::Tensor moved = warp(large, constant_flow(220, 300, u, v), WarpFilter::bicubic);
  return {inside(moved, 30), inside(large, 30)};
}

struct FlowCase {
  const char* name;
  std::unique_ptr<Flow> (*make)();
};

class Flows : public testing::TestWithParam<FlowCase> {
 protected:
  std::unique_ptr<Flow> flow = GetParam().make();
};
INSTANTIATE_TEST_SUITE_P(Search, Flows,
                         testing::Values(FlowCase{"Dis", make_dis_flow}, FlowCase{"Patch", make_patch_flow}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(Flows, FindsTranslations) {
  for (auto [u, v] : {std::pair{0.0, 0.0}, {1.0, 0.0}, {-2.5, 1.25}, {7.0, -4.5}, {-12.0, 3.0}}) {
    const Pan p = pan(u, v);
    const at::Tensor found = flow->estimate(p.to, p.from);
    ASSERT_EQ(found.sizes(), (at::IntArrayRef{1, 2, 160, 240}));
    EXPECT_TRUE(found.is_contiguous());
    EXPECT_LT((found.select(1, 0) - u).abs().median().item<double>(), 0.25) << u << " " << v;
    EXPECT_LT((found.select(1, 1) - v).abs().median().item<double>(), 0.25) << u << " " << v;
    const double left =
        inside(warp(p.from, found, WarpFilter::bicubic) - p.to, 16).square().mean().sqrt().item<double>();
    EXPECT_LT(left, 0.03) << u << " " << v;
  }
}

TEST_P(Flows, WhatCameInAtTheBorderIsNotTrusted) {
  const Pan p = pan(10, 0);
  const at::Tensor trusted = trusted_motion(flow->estimate(p.to, p.from), flow->estimate(p.from, p.to));
  EXPECT_LT(trusted.narrow(3, 234, 6).mean().item<double>(), 0.1);
  EXPECT_GT(trusted.narrow(3, 20, 200).mean().item<double>(), 0.95);
}

TEST_P(Flows, UncoveredBackgroundIsNotTrusted) {
  const at::Tensor background = scene(128, 192, 9), square = scene(48, 48, 10);
  at::Tensor from = background.clone(), to = background.clone();
  from.narrow(2, 40, 48).narrow(3, 60, 48).copy_(square);
  to.narrow(2, 40, 48).narrow(3, 72, 48).copy_(square);  // uncovers columns 60..71
  const at::Tensor trusted = trusted_motion(flow->estimate(to, from), flow->estimate(from, to));
  const double uncovered = trusted.narrow(2, 44, 40).narrow(3, 61, 10).mean().item<double>();
  const double elsewhere = trusted.narrow(3, 130, 60).mean().item<double>();
  EXPECT_LT(uncovered, 0.5);
  EXPECT_GT(elsewhere, 0.95);
}

TEST_P(Flows, SameBytesAgainFromAnyObjectAndThread) {
  const Pan p = pan(3, 2);
  const at::Tensor first = flow->estimate(p.to, p.from);
  flow->estimate(p.from, p.to);
  EXPECT_TRUE(first.equal(flow->estimate(p.to, p.from)));
  at::Tensor one, two;
  std::thread a([&] { one = flow->estimate(p.to, p.from); });
  std::thread b([&] { two = flow->estimate(p.to, p.from); });
  a.join();
  b.join();
  EXPECT_TRUE(first.equal(one));
  EXPECT_TRUE(first.equal(two));
  EXPECT_TRUE(first.equal(GetParam().make()->estimate(p.to, p.from)));
}

TEST_P(Flows, SameBytesAgainAtEverySmallSize) {
  for (std::int64_t height = 32; height <= 56; height += 4)
    for (std::int64_t width = 32; width <= 56; width += 4) {
      const auto picture = scene(height + 8, width + 8, 3);
      const auto window = [&](std::int64_t x) { return picture.narrow(2, 4, height).narrow(3, x, width).contiguous(); };
      const at::Tensor first = flow->estimate(window(6), window(4));
      flow->estimate(window(4), window(6));
      EXPECT_TRUE(first.equal(flow->estimate(window(6), window(4)))) << height << "x" << width;
    }
}

TEST_P(Flows, AnySize) {
  for (auto [height, width] : {std::pair{1, 1}, {31, 200}, {200, 31}}) {
    const at::Tensor zero = flow->estimate(scene(height, width, 1), scene(height, width, 2));
    ASSERT_EQ(zero.sizes(), (at::IntArrayRef{1, 2, height, width}));
    EXPECT_TRUE(zero.eq(0).all().item<bool>());
  }
  for (auto [height, width] : {std::pair{32, 32}, {33, 47}, {32, 500}, {501, 33}}) {
    const at::Tensor found = flow->estimate(scene(height, width, 1), scene(height, width, 1));
    ASSERT_EQ(found.sizes(), (at::IntArrayRef{1, 2, height, width}));
    EXPECT_LT(found.abs().median().item<double>(), 0.25);
  }
}

TEST_P(Flows, AnyNumberOfThreadsGivesTheSameBytes) {
  const Pan p = pan(-3, 1.5);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor expected = flow->estimate(p.to, p.from);
  for (const int threads : {2, 3, 7}) {
    at::set_num_threads(threads);
    EXPECT_TRUE(expected.equal(flow->estimate(p.to, p.from))) << threads;
  }
  at::set_num_threads(before);
}

// No picture has a vector longer than all levels of a pyramid can add up to.
TEST_P(Flows, AnyValuesGiveFiniteMotion) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const at::Tensor picture = scene(70, 100, 13);
  for (const double value : {std::nan(""), infinity, -infinity, 3e38, -1e9}) {
    at::Tensor some = picture.clone();
    some.narrow(2, 20, 9).narrow(3, 30, 50).fill_(value);
    for (const auto& to : {picture, some, at::full_like(picture, value)})
      for (const auto& from : {some, at::full_like(picture, value)}) {
        const at::Tensor found = flow->estimate(to, from);
        EXPECT_TRUE(found.isfinite().all().item<bool>()) << value;
        EXPECT_LT(found.abs().max().item<double>(), 1000) << value;
      }
  }
}

TEST(PatchFlow, PlacesTexturesToATenthOfAPixel) {
  const auto flow = make_patch_flow();
  for (auto [u, v] : {std::pair{0.0, 0.0}, {0.25, -0.5}, {-2.5, 1.25}, {7.3, -4.6}, {-14.0, 3.1}}) {
    const Pan p = pan(u, v);
    const at::Tensor found = inside(flow->estimate(p.to, p.from), 16);
    const at::Tensor miss = ((found.select(1, 0) - u).square() + (found.select(1, 1) - v).square()).sqrt();
    EXPECT_LT(miss.mean().item<double>(), 0.1) << u << " " << v;
    EXPECT_LT(at::quantile(miss.flatten(), 0.99).item<double>(), 0.5) << u << " " << v;
  }
}

TEST(PatchFlow, StillAndFlatPicturesRest) {
  const auto flow = make_patch_flow();
  const at::Tensor picture = scene(90, 130, 14), flat = at::full({1, 3, 90, 130}, 0.3);
  EXPECT_TRUE(flow->estimate(picture, picture).eq(0).all().item<bool>());
  EXPECT_TRUE(flow->estimate(flat, flat).eq(0).all().item<bool>());
  EXPECT_TRUE(flow->estimate(flat, flat + 0.2).eq(0).all().item<bool>());
}

// Every vector that fits the noise a little better than rest would be taken without caution.
TEST(PatchFlow, NoiseAloneMovesLittle) {
  const at::Tensor picture = scene(120, 160, 15);
  const at::Tensor to = picture + 0.05 * noise(picture.sizes(), 16), from = picture + 0.05 * noise(picture.sizes(), 17);
  const at::Tensor found = make_patch_flow()->estimate(to, from);
  EXPECT_LT(found.square().sum(1).mean().sqrt().item<double>(), 0.5);
}

TEST(PatchFlow, BrightnessMayChange) {
  const Pan p = pan(3, -2);
  const at::Tensor found = inside(make_patch_flow()->estimate(p.to * 0.8 + 0.1, p.from * 0.8), 16);
  EXPECT_LT((found.select(1, 0) - 3).abs().mean().item<double>(), 0.1);
  EXPECT_LT((found.select(1, 1) + 2).abs().mean().item<double>(), 0.1);
}

// Behind a square that moves against its background, both motions are found up to the patches that see both.
TEST(PatchFlow, NeighboursMayMoveApart) {
  const at::Tensor background = scene(128, 192, 9), square = scene(48, 48, 10);
  at::Tensor from = background.clone(), to = at::roll(background, {4}, {3});
  from.narrow(2, 40, 48).narrow(3, 60, 48).copy_(square);
  to.narrow(2, 40, 48).narrow(3, 52, 48).copy_(square);
  const at::Tensor u = make_patch_flow()->estimate(to, from).select(1, 0);
  EXPECT_LT((u.narrow(1, 48, 32).narrow(2, 60, 32) - 8).abs().mean().item<double>(), 0.1);
  EXPECT_LT((u.narrow(1, 40, 48).narrow(2, 116, 60) + 4).abs().mean().item<double>(), 0.1);
}

TEST(PatchFlow, TakesAnyTypeAndLayout) {
  const Pan p = pan(2, 1);
  const auto flow = make_patch_flow();
  const at::Tensor expected = flow->estimate(p.to, p.from);
  EXPECT_EQ(expected.scalar_type(), at::kFloat);
  EXPECT_TRUE(expected.equal(flow->estimate(p.to.contiguous(at::MemoryFormat::ChannelsLast), p.from)));
  EXPECT_LT((flow->estimate(p.to.to(at::kDouble), p.from.to(at::kDouble)) - expected).abs().mean().item<double>(),
            1e-3);
}

TEST(MakeFlow, IsOpenCvOnTheCpu) {
  const Pan p = pan(2, 1);
  EXPECT_TRUE(make_flow()->estimate(p.to, p.from).equal(make_dis_flow()->estimate(p.to, p.from)));
}

}  // namespace
}  // namespace reddiff
