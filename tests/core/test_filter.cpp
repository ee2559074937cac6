// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The filter along time against the equations it implements, with motion that is given.
#include <gtest/gtest.h>

#include <limits>

#include "core/temporal/evidence.h"
#include "core/temporal/filter.h"
#include "core/temporal/kalman.h"
#include "core/temporal/repeats.h"
#include "core/temporal/warp.h"
#include "tests/core/motion_helpers.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr std::int64_t height = 48, width = 64;
constexpr double sv = 0.2;

// The same whole-pixel translation everywhere: what is at x now was at x + u.
class KnownFlow final : public Flow {
 public:
  KnownFlow(double u, double v) : u_(u), v_(v) {}
  at::Tensor estimate(const at::Tensor& to, const at::Tensor&) const override {
    auto flow = at::empty({1, 2, to.size(2), to.size(3)}, to.options());
    flow.select(1, 0).fill_(u_);
    flow.select(1, 1).fill_(v_);
    return flow;
  }

 private:
  double u_, v_;
};

// Frame `index` of a picture that moves by two pixels to the right and one up a frame.
at::Tensor frame(const at::Tensor& large, int index) {
  return large.narrow(2, 16 + index, height).narrow(3, 16 - 2 * index, width).contiguous();
}

double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

std::unique_ptr<Flow> known_motion() { return std::make_unique<KnownFlow>(-2, 1); }

at::Tensor inner(const at::Tensor& x) { return x.narrow(2, 6, height - 12).narrow(3, 12, width - 24); }

// What is predicted of a frame, partly from outside of the last one, with what the frame says.
KalmanInput kalman_input(bool one_least) {
  const auto positive = [](std::uint64_t seed) { return noise({1, 1, height, width}, seed).abs() + 0.01; };
  auto flow = 20 * noise({1, 2, height, width}, 1);
  flow.view(-1).narrow(0, 0, 4).copy_(at::tensor({-0.5, 0.0, 0.5, 1e30}));
  return {noise({1, 3, height, width}, 2), positive(3), flow,
          noise({1, 3, height, width}, 4), positive(5), one_least ? at::full({1, 1, 1, 1}, 0.3) : positive(6)};
}

TEST(TemporalFilter, TheStepOfTheUpdateIsItsOperators) {
  const Repeated last{noise({1, 1, height, width}, 7) > 0, noise({1, 3, height, width}, 8),
                      noise({1, 1, height, width}, 9).abs(), 1.7};
  for (const bool one_least : {false, true})
    for (const Repeated* repeated : {static_cast<const Repeated*>(nullptr), &last}) {
      const auto input = kalman_input(one_least);
      const auto expected = kalman_update(input, repeated), found = kalman_update_by_step(input, repeated);
      EXPECT_LT(largest(found.z - expected.z), 1e-6);
      EXPECT_LT(largest(found.variance - expected.variance), 1e-6);
      const auto outside = points_inside(input.flow).logical_not();
      const auto fresh = repeated ? outside.logical_and(last.same.logical_not()) : outside;
      EXPECT_TRUE(fresh.any().item<bool>());
      EXPECT_TRUE(at::equal(at::where(fresh, found.z, input.seen), input.seen));
    }
}

TEST(Repeats, TheStepIsItsOperators) {
  const auto before = noise({1, 3, height, width}, 10), known = (noise({1, 1, height, width}, 11) > -1).to(at::kFloat);
  auto now = before.clone(), other = known.clone();
  now.narrow(3, 0, 20).add_(0.01);
  now.narrow(1, 2, 1).narrow(2, 30, 1).narrow(3, 40, 1).add_(1);
  other.narrow(2, 5, 2).narrow(3, 50, 3) = 1 - other.narrow(2, 5, 2).narrow(3, 50, 3);
  const std::pair<MeasuredPixels, MeasuredPixels> cases[] = {
      {{now, {}}, {before, {}}}, {{now, known}, {before, known}}, {{now, known}, {before, other}}};
  for (const auto& [one, last] : cases) {
    const auto expected = repeats(one, last);
    EXPECT_TRUE(expected.any().item<bool>() && !expected.all().item<bool>());
    EXPECT_TRUE(at::equal(repeats_by_step(one, last), expected));
  }
}

TEST(TemporalFilter, IsTheKalmanFilterWhereMotionIsKnown) {
  const auto large = scene(height + 32, width + 32, 4);
  FilterConstants constants;
  constants.doubt_of_drift = 100;  // noise alone would now and then pass for a drift
  FilterAlone filter(0, known_motion(), constants);
  at::Tensor z;  // on the grid of the large picture, where nothing moves
  double variance = 0;
  for (int i = 0; i < 3; ++i) {
    const auto field = sv * noise({1, 3, height + 32, width + 32}, 50 + static_cast<std::uint64_t>(i));
    const auto seen = large + field;
    // A perfect single-frame estimate: nothing of the motion is unexplained.
    const auto estimate = filter.update({frame(seen, i), {}, frame(large, i), sv});
    if (i == 0) {
      EXPECT_FALSE(estimate.z.defined());
      z = seen;
      variance = sv * sv;
      continue;
    }
    const double gain = variance / (variance + sv * sv);
    z = z + gain * (seen - z);
    variance = gain * sv * sv;
    EXPECT_LT(largest(inner(estimate.z - frame(z, i))), 1e-5) << i;
    EXPECT_LT(largest(inner(estimate.level.square() - variance)), 1e-6) << i;
  }
}

TEST(TemporalFilter, NeverBelievesMotionToBePerfect) {
  const auto still = scene(height, width, 5);
  FilterAlone filter(0, std::make_unique<KnownFlow>(0, 0));
  TemporalFilter::Estimate estimate;
  for (int i = 0; i < 20; ++i)
    estimate =
        filter.update({still + sv * noise({1, 3, height, width}, 70 + static_cast<std::uint64_t>(i)), {}, still, sv});
  EXPECT_LT(largest(estimate.level.square() * (6 / (sv * sv)) - 1), 1e-5);
}

TEST(TemporalFilter, TakesTheMeasurementWhereThereIsNoPast) {
  const auto large = scene(height + 32, width + 32, 6);
  FilterAlone filter(0, known_motion());
  filter.update({frame(large, 0), {}, frame(large, 0), sv});
  const auto y = frame(large, 1) + sv * noise({1, 3, height, width}, 80);
  const auto estimate = filter.update({y, {}, frame(large, 1), sv});
  // Two columns came in at the left, a row at the bottom.
  EXPECT_TRUE(at::equal(estimate.z.narrow(3, 0, 2), y.narrow(3, 0, 2)));
  EXPECT_TRUE(at::equal(estimate.z.narrow(2, height - 1, 1), y.narrow(2, height - 1, 1)));
  EXPECT_LT(largest(estimate.level.narrow(3, 0, 2) - sv), 1e-6);
  EXPECT_LT(inner(estimate.level).mean().item<double>(), 0.75 * sv);
}

// A change of light is looked for in windows of 96 pixels: outside of theirs all of the past is kept, near by most of it.
TEST(TemporalFilter, DropsThePastWhereTheEstimatesDisagree) {
  constexpr std::int64_t wide = 256;
  const auto before = scene(height, wide, 7);
  auto now = before.clone();
  now.narrow(3, 0, 20).neg_();  // something else stands there
  FilterAlone filter(0, std::make_unique<KnownFlow>(0, 0));
  filter.update({before, {}, before, sv});
  const auto y = now + sv * noise({1, 3, height, wide}, 90);
  const auto estimate = filter.update({y, {}, now, sv});
  const auto level = estimate.level.narrow(3, 2, 16) / sv, kept = estimate.level.narrow(3, 180, 60) / sv,
             near = estimate.level.narrow(3, 30, 30) / sv;
  EXPECT_GT(level.mean().item<double>(), 0.9);
  EXPECT_LT(near.mean().item<double>(), 0.75);
  EXPECT_LT(largest(kept * std::sqrt(2.0) - 1), 1e-5);
}

// Motion that is a little wrong in every frame: the error would gather in z, and no denoiser takes away what is smooth.
TEST(TemporalFilter, SmallErrorsOfMotionDoNotGather) {
  const auto x = at::arange(width + 64, at::kFloat).view({1, 1, 1, -1});
  const auto slope = (x / 20 - 3).expand({1, 3, height, width + 64});
  const auto picture = [&](int index) { return slope.narrow(3, 32 - 2 * index, width).contiguous(); };
  const auto error = [&](double doubt) {
    FilterConstants constants;
    constants.doubt_of_drift = doubt;
    constants.caution = 0;
    FilterAlone filter(0, std::make_unique<KnownFlow>(-1.4, 0), constants);
    TemporalFilter::Estimate estimate;
    for (int i = 0; i < 8; ++i)
      estimate = filter.update(
          {picture(i) + sv * noise({1, 3, height, width}, 100 + static_cast<std::uint64_t>(i)), {}, picture(i), sv});
    return inner(estimate.z - picture(7)).mean().item<double>();
  };
  const double gathered = std::abs(error(1e9));
  EXPECT_GT(gathered, 0.06);
  EXPECT_LT(std::abs(error(FilterConstants{}.doubt_of_drift)), 0.25 * gathered);
}

// A frame that comes twice has the same noise twice.
TEST(TemporalFilter, WhatIsRepeatedTellsNothingNew) {
  const auto large = scene(height + 32, width + 32, 12);
  FilterAlone filter(0, known_motion());
  at::Tensor y;
  TemporalFilter::Estimate estimate;
  for (int i = 0; i < 3; ++i) {
    y = frame(large, i) + sv * noise({1, 3, height, width}, 110 + static_cast<std::uint64_t>(i));
    estimate = filter.update({y, {}, frame(large, i), sv});
  }
  for (int i = 0; i < 3; ++i) {
    const auto again = filter.update({y.clone(), {}, frame(large, 2), sv});
    EXPECT_TRUE(at::equal(again.z, estimate.z)) << i;
    EXPECT_LT(largest(again.level - estimate.level), 1e-6) << i;
  }
  // Told that there is twice the noise.
  EXPECT_LT(largest(filter.update({y, {}, frame(large, 2), 2 * sv}).level - 2 * estimate.level), 1e-6);
}

// The left half is repeated, the right half is measured again.
TEST(TemporalFilter, APartThatIsRepeatedWaitsForTheNextMeasurement) {
  const auto still = scene(height, width, 13);
  FilterAlone filter(0, std::make_unique<KnownFlow>(0, 0));
  const auto first = still + sv * noise({1, 3, height, width}, 120);
  filter.update({first, {}, still, sv});
  auto second = still + sv * noise({1, 3, height, width}, 121);
  second.narrow(3, 0, width / 2).copy_(first.narrow(3, 0, width / 2));
  const auto estimate = filter.update({second, {}, still, sv});
  constexpr std::int64_t margin = 2;  // of the windows
  EXPECT_TRUE(at::equal(estimate.z.narrow(3, 0, width / 2 - margin), first.narrow(3, 0, width / 2 - margin)));
  EXPECT_LT(largest(estimate.level.narrow(3, 0, width / 2 - margin) - sv), 1e-6);
  EXPECT_LT(estimate.level.narrow(3, width / 2, width / 2).max().item<double>(), 0.75 * sv);
}

// A hole that stands still while the picture moves under it. The estimate of each frame alone knows nothing there.
TEST(TemporalFilter, FillsAHoleWithWhatWasSeenBefore) {
  const auto large = scene(height + 32, width + 32, 10);
  constexpr double quiet = 0.002;
  auto known = at::ones({1, 1, height, width});
  known.narrow(3, 30, 6).narrow(2, 10, 20).zero_();
  FilterAlone filter(0, known_motion());
  TemporalFilter::Estimate estimate;
  for (int i = 0; i < 5; ++i) {
    const auto truth = frame(large, i);
    // Each frame's own estimate misses the hole by .1; what went under it is known from before.
    estimate = filter.update({truth * known, known, truth - 0.1 * (1 - known), quiet});
  }
  const auto truth = frame(large, 4), hole = 1 - known;
  EXPECT_LT(largest((estimate.z - truth) * known), 0.004);
  // Six columns at two pixels a frame: all of the hole has been seen.
  const auto mean = [&](const at::Tensor& x) { return (x * hole).sum().item<double>() / hole.sum().item<double>(); };
  EXPECT_LT(mean((estimate.z - truth).abs().mean(1, true)), 0.03);
  EXPECT_LT(mean(estimate.level), 0.1);
}

// The same with motion that is searched for. The grey that each frame's own estimate has in the hole
// stands still, as the hole does.
TEST(TemporalFilter, WhatStandsStillInAHoleDoesNotHoldTheMotion) {
  const auto large = scene(height + 32, width + 32, 10);
  auto known = at::ones({1, 1, height, width});
  known.narrow(3, 28, 8).narrow(2, 10, 20).zero_();
  FilterAlone filter(0);
  TemporalFilter::Estimate estimate;
  for (int i = 0; i < 8; ++i) {
    const auto truth = frame(large, i);
    estimate = filter.update({truth * known, known, at::where(known > 0, truth, 0.0), 0.002});
  }
  EXPECT_LT(rms(at::masked_select(estimate.z - frame(large, 7), known == 0)), 0.2);  // .31 without the second search
}

TEST(TemporalFilter, AHoleThatNobodyHasSeenKeepsTheFramesOwnEstimate) {
  const auto still = scene(height, width, 11), guess = at::zeros_like(still);
  auto known = at::ones({1, 1, height, width});
  known.narrow(3, 20, 12).narrow(2, 10, 16).zero_();
  const auto single = at::where(known > 0, still, guess);
  FilterAlone filter(0, std::make_unique<KnownFlow>(0, 0));
  TemporalFilter::Estimate estimate;
  for (int i = 0; i < 6; ++i) estimate = filter.update({still * known, known, single, 0.002});
  EXPECT_TRUE(at::equal(estimate.z, single));
  const auto level = estimate.level.narrow(3, 24, 4).narrow(2, 16, 4);
  const auto first = hole_variance(still, known, 0.002, {}).sqrt().narrow(3, 24, 4).narrow(2, 16, 4);
  // Looking at the same guess again and again is a little information to a filter, but must not become certainty.
  EXPECT_GT((level / first).min().item<double>(), 0.3);
  EXPECT_GT(level.min().item<double>(), 0.1);
}

TEST(Evidence, ADriftIsFoundUnderNoise) {
  const auto truth = at::full({1, 3, height, width}, 0.1);
  const auto seen = truth + sv * noise({1, 3, height, width}, 15);
  const auto found = drift(seen, {}, 4, sv, {});
  EXPECT_NEAR(inner(found).mean().item<double>(), 0.1, 0.01);
  EXPECT_LT(rms(inner(found - truth)), 0.03);  // a window's own noise is sv / 12
  // Noise alone is hardly ever taken for one: a window's mean has a deviation of sv / 12.
  EXPECT_LT(rms(drift(sv * noise({1, 3, height, width}, 16), {}, 4, sv, {})), 0.6 * sv / 12);
}

// Noise that neighbours share has means over windows of its own.
TEST(Evidence, CorrelatedNoiseIsNotTakenForADrift) {
  const auto field = at::upsample_bicubic2d(noise({1, 3, height / 2, width / 2}, 17), {height, width}, false);
  const auto seen = field * (sv / rms(field));
  const double slow_power = 8, taken = rms(drift(seen, {}, 4, sv, {}));
  EXPECT_GT(taken, 0.1 * sv);
  EXPECT_LT(rms(drift(seen, {}, 4, sv, {}, slow_power)), 0.3 * taken);
  EXPECT_NEAR(inner(drift(seen + 0.5, {}, 4, sv, {}, slow_power)).mean().item<double>(), 0.5, 0.05);
}

TEST(Evidence, TheDriftOfAHoleIsThatOfItsSurroundings) {
  auto known = at::ones({1, 1, height, width});
  known.narrow(2, 16, 12).narrow(3, 20, 20).zero_();
  auto difference = at::full({1, 3, height, width}, 0.2) * known;
  for (const std::int64_t cell : {4, 2, 1}) {
    EXPECT_LT(largest(drift(difference, known, cell, 0.002, {}) - 0.2), 0.002) << cell;
  }
}

TEST(Evidence, DenoisersAreTrustedLessInDetail) {
  const auto flat = at::full({1, 3, height, width}, 0.3), busy = scene(height, width, 17);
  const FilterConstants constants;
  const auto own = estimate_variance(flat, sv, constants) / (sv * sv);
  EXPECT_LT(largest(own - constants.own_of_flat), 1e-6);
  for (const auto& estimate : {flat, busy}) {
    const auto white = estimate_variance(estimate, sv, constants);
    EXPECT_EQ(largest(estimate_variance(estimate, sv, constants, 1) - white), 0);
    EXPECT_LT(largest(estimate_variance(estimate, sv, constants, 2) / white - constants.own_of_correlated), 1e-4);
  }
  EXPECT_GT(estimate_variance(busy, sv, constants).min().item<double>(), own.max().item<double>() * sv * sv);
  EXPECT_LE(estimate_variance(100 * busy, sv, constants).max().item<double>(),
            (constants.own_of_flat + constants.own_of_detail) * sv * sv * (1 + 1e-5));
}

TEST(Evidence, WhatIsWrongInAHoleFollowsItsSurroundings) {
  auto known = (noise({1, 1, height, width}, 12) > 0).to(at::kFloat);
  const auto flat = at::full({1, 3, height, width}, 0.25);
  // Where nothing is seen, a hole may hide something; the more of the surroundings is seen, the less.
  EXPECT_GT(hole_variance(flat, known, 0.002, {}).min().item<double>(), 0.01 / 13.25 - 1e-6);
  EXPECT_NEAR(hole_variance(flat, known, 0.002, {}).mean().item<double>(), 0.01 / (13 * 0.5 + 0.25), 5e-4);
  const auto busy = noise({1, 3, height, width}, 13);
  const auto scattered = hole_variance(busy, known, 0.002, {}).mean().item<double>();
  EXPECT_NEAR(scattered, 1 / (13 * 0.5 + 0.25), 0.03);
  known.narrow(3, 20, 24).zero_();
  const auto deep = hole_variance(busy, known, 0.002, {}).narrow(3, 30, 4).mean().item<double>();
  EXPECT_GT(deep, 10 * scattered);
}

TEST(Evidence, StepsAreTheOperators) {
  const FilterConstants constants;
  for (const auto& [rows, columns] : {std::pair{48, 64}, {37, 101}}) {
    const auto x = scene(rows, columns, 20),
               target = x + 0.3 * scene(rows, columns, 21) + sv * noise({1, 3, rows, columns}, 22);
    for (const std::int64_t cell : {1, 2, 4, 32})
      for (const double most : {0.2, std::numeric_limits<double>::infinity()}) {
        const auto expected = drifted(x, target, most, {}, cell, sv, constants, 1.3);
        EXPECT_GT(largest(expected - x), 0.01);
        EXPECT_LT(largest(drifted_by_steps(x, target, most, cell, sv, constants, 1.3) - expected), 1e-5) << cell;
      }
    for (const double slow_power : {1.0, 2.0}) {
      const auto variance = estimated_motion_variance(x, target, 0.1, constants, slow_power);
      EXPECT_GT(largest(variance), 0.01);
      EXPECT_LT(largest(motion_variance_by_steps(x, target, 0.1, constants, slow_power) - variance),
                1e-5 * (1 + largest(variance)));
    }
  }
}

TEST(TemporalFilter, ForgetsAtCutsAndAtReset) {
  const auto first = scene(96, 128, 8), other = -first;
  FilterAlone filter(0.35, std::make_unique<KnownFlow>(0, 0));
  EXPECT_FALSE(filter.update({first, {}, first, sv}).z.defined());
  EXPECT_TRUE(filter.update({first, {}, first, sv}).z.defined());
  const auto cut = filter.update({other, {}, other, sv});
  EXPECT_TRUE(cut.cut);
  EXPECT_FALSE(cut.z.defined());
  EXPECT_TRUE(filter.update({other, {}, other, sv}).z.defined());
  filter.reset();
  EXPECT_FALSE(filter.update({other, {}, other, sv}).z.defined());
}

}  // namespace
}  // namespace reddiff
