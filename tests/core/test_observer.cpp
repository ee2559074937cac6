// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What an Observer says of a frame's error: its level and its kind, from the picture and from what a stream says of itself.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/api/error_kinds.h"
#include "core/api/units.h"
#include "core/frame/convert.h"
#include "core/frame/observer.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr std::int64_t height = 96, width = 128;
using Names = std::vector<std::string>;

Observed observed(double noise_level, double left_by_codec, const Names& kinds, Task task = Task::restore,
                  ProblemKind problem = ProblemKind::denoise, Knows knows = {}) {
  const auto clean = scene(height, width, 3) * 0.5;
  Config config;
  config.task = task;
  Observer observer(config, problem, MaskSource::none, knows, kinds, at::kCPU, [clean](const at::Tensor& u, double) {
    const auto times = clean.size(3) / u.size(3);
    return times == 1 ? clean.clone() : at::avg_pool2d(clean, {times, times});
  });
  Frame frame(format_named("RGB"), width, height, 1);
  write_picture(clean + noise_level * 2 / 255 * noise({1, 3, height, width}, 5), {}, frame.view);
  FrameOptions options;
  options.noise = -1;
  options.least_noise = left_by_codec;
  return observer.observe(frame.view, options, true);
}

double level(const Observed& seen) { return level_to_user(seen.sigma_y()); }

// Of five code values; told is a little less than all of it.
constexpr double least_told = 3, most_told = 4;

TEST(Observer, TakesWhatACodecLeftForAKindOfItsOwn) {
  for (const Task task : {Task::denoise, Task::restore}) {
    const auto seen = observed(0, 5, {"white", "camera", "codec"}, task);
    EXPECT_EQ(seen.kind, error_kind::codec);
    EXPECT_GT(level(seen), least_told);
    EXPECT_LT(level(seen), most_told);
    EXPECT_TRUE(seen.likelihood->sigma_map().defined());
    EXPECT_EQ(seen.likelihood->share_alike(), 1);
    EXPECT_FALSE(seen.noise_free);
    EXPECT_TRUE(seen.is_least);
  }
}

TEST(Observer, TakesItForWhiteNoiseWhereThePriorKnowsNoBetter) {
  for (const ProblemKind problem : {ProblemKind::denoise, ProblemKind::reduce}) {
    const Names kinds = problem == ProblemKind::denoise ? Names{"white"} : Names{"white", "codec"};
    const auto seen = observed(0, 5, kinds, Task::restore, problem);
    EXPECT_EQ(seen.kind, error_kind::white);
    EXPECT_GT(level(seen), least_told);
    EXPECT_LT(level(seen), most_told);
  }
}

// Where a small picture was measured and can be cleaned. Below a code value nothing is worth a call.
TEST(Observer, SaysWhatACodecLeftInASmallPictureByPlace) {
  const Knows knows{.codec = true};
  for (const double left : {5.0, 0.9}) {
    const auto seen = observed(0, left, {"white", "codec"}, Task::restore, ProblemKind::reduce, knows);
    EXPECT_EQ(seen.kind, left > 1 ? error_kind::codec : error_kind::white) << left;
    EXPECT_EQ(seen.likelihood->sigma_map().defined(), left > 1) << left;
    EXPECT_TRUE(seen.is_least) << left;
  }
  const auto unknown = observed(0, 5, {"white"}, Task::restore, ProblemKind::reduce, knows);
  EXPECT_EQ(unknown.kind, error_kind::white);
  EXPECT_FALSE(unknown.likelihood->sigma_map().defined());
}

// Patterns of a screen are coded exactly: whatever the quantiser, nothing of them is to be taken away.
TEST(Observer, LeavesWhatIsDrawnAsItIs) {
  const auto x = at::arange(width).div(8, "floor"), y = at::arange(height).div(8, "floor").view({-1, 1});
  const auto checkers = ((x + y).remainder(2) * 2 - 1).to(at::kFloat).expand({1, 3, height, width}).contiguous();
  for (const Task task : {Task::denoise, Task::restore}) {
    Config config;
    config.task = task;
    Observer observer(config, ProblemKind::denoise, MaskSource::none, {}, {"white", "codec"}, at::kCPU,
                      [](const at::Tensor& u, double) { return u.clone(); });
    Frame frame(format_named("RGB"), width, height, 1);
    write_picture(checkers, {}, frame.view);
    FrameOptions options;
    options.least_noise = 5;
    bool rested = false;
    for (int t = 0; t < 24; ++t) {
      const auto seen = observer.observe(frame.view, options, true, true);
      EXPECT_TRUE(seen.noise_free) << t;
      rested |= !seen.picture.defined();
    }
    EXPECT_TRUE(rested);
  }
}

TEST(Observer, BelievesTheLargerOfNoiseAndWhatACodecLeft) {
  const auto seen = observed(20, 5, {"white", "codec"});
  EXPECT_EQ(seen.kind, error_kind::white);
  EXPECT_NEAR(level(seen), 20, 2);
  EXPECT_FALSE(seen.is_least);
}

TEST(Observer, LeavesAloneWhatNoCodecHasTouched) {
  for (const double left : {0.0, 0.4}) {
    const auto seen = observed(0, left, {"white", "codec"});
    EXPECT_TRUE(seen.noise_free) << left;
    EXPECT_EQ(seen.kind, error_kind::white);
  }
}

// Noise that neighbours share, from the first frame on; what they share when frames have told. Not of a level that was set.
TEST(Observer, SaysWhatNeighboursShare) {
  const auto clean = with_detail(scene(height, width, 3) * 0.5, 40);
  Observer observer({}, ProblemKind::denoise, MaskSource::none, {}, {"white", "camera"}, at::kCPU,
                    [clean](const at::Tensor& u, double) {
                      const auto times = clean.size(3) / u.size(3);
                      return times == 1 ? clean.clone() : at::avg_pool2d(clean, {times, times});
                    });
  const auto likelihood_of = [&](const at::Tensor& error, double level) {
    Frame frame(format_named("RGB"), width, height, 1);
    write_picture(clean + error, {}, frame.view);
    FrameOptions options;
    options.noise = level;
    return observer.observe(frame.view, options, true).likelihood;
  };
  const auto soft = [](std::uint64_t seed) {
    return 0.1 * at::upsample_bicubic2d(noise({1, 3, height / 2, width / 2}, seed), {height, width}, false);
  };
  for (std::uint64_t frame = 0; frame < 5; ++frame) {
    const auto likelihood = likelihood_of(soft(20 + frame), -1);
    EXPECT_GT(likelihood->slow_power(), 1.5) << frame;
    EXPECT_EQ(likelihood->spectrum() != nullptr, frame >= 2) << frame;
    EXPECT_EQ(likelihood->debiased()->spectrum(), likelihood->spectrum());
    EXPECT_EQ(likelihood->debiased()->slow_power(), likelihood->slow_power());
  }
  const auto told = likelihood_of(soft(30), 10);
  EXPECT_EQ(told->spectrum(), nullptr);
  EXPECT_EQ(told->slow_power(), 1);
}

// Of frames that may leave as they came, without noise for long, one in four is looked at; that one finds what was struck.
TEST(Observer, RestsWhereNothingWasFoundAndWakesUp) {
  const auto clean = scene(height, width, 3) * 0.5;
  Config config;
  Observer observer(config, ProblemKind::denoise, MaskSource::none, {}, {"white"}, at::kCPU,
                    [](const at::Tensor& u, double) { return u.clone(); });
  const auto draw = noise({1, 1, height, width}, 9);
  Frame in(format_named("RGB"), width, height, 1), struck(format_named("RGB"), width, height, 1);
  write_picture(clean, {}, in.view);
  write_picture(at::where(draw < -2, -1.0, at::where(draw > 2, 1.0, clean)), {}, struck.view);
  FrameOptions options;
  options.noise = -1;
  int looked_at = 0;
  for (int t = 0; t < 32; ++t) {
    const auto seen = observer.observe(in.view, options, true, true);
    EXPECT_TRUE(seen.noise_free) << t;
    looked_at += t >= 16 && seen.picture.defined();
  }
  EXPECT_EQ(looked_at, 4);
  EXPECT_TRUE(observer.observe(in.view, options, true, false).picture.defined());  // it has to be written anew
  int found = 0;
  for (int t = 0; t < 4; ++t) found += observer.observe(struck.view, options, true, true).known.defined();
  EXPECT_GE(found, 1);
  EXPECT_TRUE(observer.observe(struck.view, options, true, true).known.defined());
}

}  // namespace
}  // namespace reddiff
