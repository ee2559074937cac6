// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Motion behind large holes, where the truth is known.
#include <gtest/gtest.h>

#include <limits>

#include "core/frame/fill_holes.h"
#include "core/temporal/behind_holes.h"
#include "core/temporal/warp.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr std::int64_t height = 48, width = 64;

double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

TEST(BehindHoles, MotionIsCarriedIntoAHole) {
  const auto before = scene(height, width, 14);
  auto known = at::ones({1, 1, height, width});
  known.narrow(3, 20, 8).narrow(2, 12, 20).zero_();
  const auto right = at::full({1, 2, height, width}, 3.0);
  const auto truth = warp(before, right, WarpFilter::bicubic);
  const auto found = right * known + (known - 1) * 50;  // nonsense in the hole
  const auto behind = move_behind_holes(before, fill_holes(truth, known), found, known, large_holes(known));
  const auto hole = [](const at::Tensor& x) { return x.narrow(3, 20, 8).narrow(2, 12, 20); };
  EXPECT_LT(largest(hole(behind.moved - truth)), 0.05);
  EXPECT_LT(largest(hole(behind.flow).narrow(1, 0, 1) - 3), 1);
  EXPECT_TRUE(at::equal(behind.moved.narrow(2, 40, 8), truth.narrow(2, 40, 8)));
}

TEST(BehindHoles, TheEstimateIsFilledFromThePast) {
  const auto before = scene(height, width, 14), flow = at::full({1, 2, height, width}, 3.0);
  const auto truth = warp(before, flow, WarpFilter::bicubic);
  auto known = at::ones({1, 1, height, width});
  known.narrow(3, 20, 8).narrow(2, 12, 20).zero_();
  const auto found = flow * known + (known - 1) * 50;
  EXPECT_LT(largest(filled_from_past(before, truth * known, found, known, large_holes(known)) - truth), 1e-3);
  const auto all = at::ones_like(known);
  EXPECT_TRUE(at::equal(filled_from_past(before, truth, found, all, large_holes(all)), truth));
}

TEST(BehindHoles, NonsenseFoundInAHoleIsNotBelieved) {
  const auto before = scene(height, width, 14);
  auto known = at::ones({1, 1, height, width});
  known.narrow(3, 20, 16).narrow(2, 12, 20).zero_();
  auto flow = at::full({1, 2, height, width}, 3.0);
  const auto now = warp(before, flow, WarpFilter::bicubic);
  flow.mul_(known).add_(known - 1, -50);  // nonsense in the hole
  const auto behind = move_behind_holes(before, now, flow, known, large_holes(known));
  EXPECT_LT(largest(behind.flow.narrow(3, 22, 12).narrow(2, 14, 16) - 3), 1e-4);
}

TEST(BehindHoles, MotionMayPartInAHole) {
  const auto before = scene(height, width, 15);
  auto found = at::zeros({1, 2, height, width});
  found.narrow(3, width / 2, width / 2).narrow(1, 0, 1).fill_(4);
  const auto truth = warp(before, found, WarpFilter::bicubic);
  auto known = at::ones({1, 1, height, width});
  known.narrow(3, width / 2 - 4, 8).zero_();
  found = found * known;  // as if nothing moved there
  const auto behind = move_behind_holes(before, fill_holes(truth, known), found, known, large_holes(known));
  const auto missing = known == 0;
  const auto error = [&](const at::Tensor& moved) { return ((moved - truth).square() * missing).sum().item<double>(); };
  const auto halfway = at::full({1, 2, height, width}, 2.0) * at::tensor({1.0F, 0.0F}).view({1, 2, 1, 1});
  EXPECT_LT(error(behind.moved), 0.1 * error(warp(before, halfway, WarpFilter::bicubic)));
  EXPECT_LT(error(behind.moved), 0.2 * error(warp(before, found, WarpFilter::bicubic)));
}

TEST(BehindHoles, WhatNothingExplainsIsDoubted) {
  const auto before = scene(height, width, 16), other = -scene(height, width, 17);
  auto known = at::ones({1, 1, height, width});
  known.narrow(3, 20, 12).narrow(2, 12, 20).zero_();
  const auto found = noise({1, 2, height, width}, 18) * 4;
  const auto behind = move_behind_holes(before, other * known, found, known, large_holes(known));
  EXPECT_GT(behind.doubt.narrow(3, 22, 8).narrow(2, 16, 12).min().item<double>(), 1e-3);
  EXPECT_EQ(behind.doubt.narrow(2, 40, 8).abs().max().item<double>(), 0);
}

TEST(BehindHoles, ScatteredHolesAndPicturesWithoutAnyChangeNothing) {
  const auto before = scene(height, width, 19);
  const auto flow = noise({1, 2, height, width}, 20);
  const auto moved = warp(before, flow, WarpFilter::bicubic);
  for (const auto& known : {at::ones({1, 1, height, width}), (noise({1, 1, height, width}, 12) > -1).to(at::kFloat)}) {
    EXPECT_FALSE(large_holes(known).any().item<bool>());
    const auto behind = move_behind_holes(before, before, flow, known, large_holes(known));
    EXPECT_TRUE(at::equal(behind.flow, flow));
    EXPECT_TRUE(at::equal(behind.moved, moved));
    EXPECT_FALSE(behind.doubt.defined());
  }
}

// What takes several turns gives what one turn gives: holes beside each other in a wide and high picture, and one alone.
TEST(BehindHoles, RowsAfterRowsAreTheSame) {
  const std::int64_t high = 1200, wide = 400;
  const auto before = scene(high, wide, 22), now = warp(before, at::full({1, 2, high, wide}, 1.5), WarpFilter::bicubic);
  const auto flow = noise({1, 2, high, wide}, 23) * 0.1 + 1.5;
  auto one = at::ones({1, 1, high, wide});
  one.narrow(2, 640, 40).narrow(3, 100, 60).zero_();
  auto both = one.clone();
  both.narrow(2, 0, 10).zero_();
  both.narrow(2, high - 10, 10).zero_();
  const auto alone = move_behind_holes(before, now * one, flow, one, large_holes(one));
  const auto beside = move_behind_holes(before, now * both, flow, both, large_holes(both));
  const auto there = [](const at::Tensor& x) { return x.narrow(2, 630, 60).narrow(3, 90, 80); };
  // The smooth continuation is interpolated from other places where other holes are: a little of it differs.
  EXPECT_LT(largest(there(alone.moved - beside.moved)), 0.05);
  EXPECT_LT(largest(there(alone.doubt - beside.doubt)), 0.005);
}

TEST(BehindHoles, NothingMeasuredAndNoNumbersAreSurvived) {
  const auto before = scene(height, width, 21);
  const auto flow = at::full({1, 2, height, width}, std::numeric_limits<float>::quiet_NaN());
  const auto nothing = at::zeros({1, 1, height, width});
  const auto behind = move_behind_holes(before, before, flow, nothing, large_holes(nothing));
  EXPECT_EQ(behind.moved.sizes(), before.sizes());
}

}  // namespace
}  // namespace reddiff
