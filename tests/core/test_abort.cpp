// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Work that nobody waits for any more: where it ends, and that a frame which ended in the middle leaves nothing behind.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <memory>
#include <thread>

#include "core/api/abort.h"
#include "core/engine.h"
#include "core/frame/convert.h"
#include "core/frame/fill_holes.h"
#include "core/operators/conjugate_gradients.h"
#include "core/priors/tiled.h"
#include "core/registry.h"
#include "tests/core/fake_priors.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

template <typename F> bool ends_early(F work) {
  try {
    work();
    return false;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::aborted) << error.what();
    return true;
  }
}

TEST(Abort, IsOfTheThreadAndOfTheInnermostScope) {
  const std::atomic<bool> yes = true, no = false;
  EXPECT_NO_THROW(throw_if_aborted());
  const AbortScope outer(&yes);
  EXPECT_TRUE(ends_early(throw_if_aborted));
  {
    const AbortScope inner(&no);
    EXPECT_NO_THROW(throw_if_aborted());
    const AbortScope none(nullptr);
    EXPECT_NO_THROW(throw_if_aborted());
  }
  EXPECT_TRUE(ends_early(throw_if_aborted));
  std::thread([] { EXPECT_NO_THROW(throw_if_aborted()); }).join();
}

TEST(Abort, TheFlagIsSetAtTheNthAsk) {
  for (int n = 1; n <= 3; ++n) {
    std::atomic<bool> flag = false;
    const AbortScope scope(&flag);
    const AbortAtAsk at_ask(flag, n);
    for (int i = 1; i < n; ++i) EXPECT_NO_THROW(throw_if_aborted()) << n;
    EXPECT_TRUE(ends_early(throw_if_aborted)) << n;
    EXPECT_EQ(at_ask.asks(), n);
  }
  std::atomic<bool> flag = false;
  const AbortScope scope(&flag);
  {
    const AbortAtAsk never(flag, 0);
    for (int i = 0; i < 5; ++i) EXPECT_NO_THROW(throw_if_aborted());
    EXPECT_EQ(never.asks(), 5);
    std::thread(throw_if_aborted).join();
    EXPECT_EQ(never.asks(), 5) << "another thread's";
  }
  EXPECT_NO_THROW(throw_if_aborted());
}

// Work in a scope of its own without a flag cannot be ended: the flag set there ends what comes after.
TEST(Abort, AScopeWithoutAFlagHidesTheOuterOne) {
  std::atomic<bool> flag = false;
  const AbortScope scope(&flag);
  const AbortAtAsk at_ask(flag, 1);
  {
    const AbortScope none(nullptr);
    EXPECT_NO_THROW(throw_if_aborted());
  }
  EXPECT_TRUE(ends_early(throw_if_aborted));
}

TEST(Abort, EveryPriorAsksWithinACall) {
  const char* models = std::getenv("REDDIFF_MODEL_PATH");
  const auto u = at::zeros({1, 3, 32, 32}), sigma = at::full({1, 1, 1, 1}, 0.1);
  const std::atomic<bool> yes = true;
  for (const auto& entry : prior_registry()) {
    const auto prior = make_prior({entry.name, models ? models : "models", at::kCPU, Precision::float32});
    const AbortScope scope(&yes);
    EXPECT_TRUE(ends_early([&] { prior->denoise(u, sigma); })) << entry.name;
  }
}

TEST(Abort, IterationsAsk) {
  const std::atomic<bool> yes = true;
  const AbortScope scope(&yes);
  const auto x = at::zeros({1, 3, 8, 8});
  EXPECT_TRUE(ends_early([&] { fill_holes(x, at::ones({1, 1, 8, 8})); }));
  EXPECT_TRUE(ends_early([&] { conjugate_gradients([](const at::Tensor& t) { return t; }, x, x, 4, {}); }));
}

// Sets the flag in its third call.
class Interrupted final : public testing::GaussianPrior {
 public:
  explicit Interrupted(std::atomic<bool>& flag) : GaussianPrior(0, 1), flag_(flag) {}
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override {
    const auto result = GaussianPrior::denoise(u, sigma);
    if (calls == 3) flag_ = true;
    return result;
  }

 private:
  std::atomic<bool>& flag_;
};

TEST(Abort, EndsBetweenTiles) {
  std::atomic<bool> flag = false;
  const auto prior = std::make_shared<Interrupted>(flag);
  const TiledDenoiser tiled(prior, {.size = 64, .overlap = 16});
  const auto u = scene(200, 200, 1), sigma = at::full({1, 1, 1, 1}, 0.1);
  ASSERT_GT(tiled.tiles(200, 200), 4);
  const AbortScope scope(&flag);
  EXPECT_TRUE(ends_early([&] { tiled.denoise(u, sigma); }));
  EXPECT_EQ(prior->calls, 3);
  EXPECT_EQ(tiled.tiles_halved(), 0) << "an abort is no lack of memory";
}

// --- frames ----------------------------------------------------------------------------------------------------------

// As small as pictures may be in which motion is looked for; wide enough for two tiles where tiles are asked for.
std::unique_ptr<Frame> frame_of(int index, int width, int height) {
  auto frame = std::make_unique<Frame>(format_named("ARGB"), width, height, 1);
  const auto picture = scene(height + 16, width + 16, 5).narrow(2, index, height).narrow(3, 2 * index, width);
  const auto alpha = (at::arange(width) % 9 > 1).to(at::kFloat).expand({1, 1, height, width});
  write_picture(picture * 0.7 + 0.1 * noise({1, 3, height, width}, 100 + index), alpha, frame->view);
  return frame;
}

std::vector<std::uint16_t> restore(Engine& engine, int index, const Config& config,
                                   const std::atomic<bool>* abort = nullptr) {
  const int scale = resolve_scale(config), width = config.tile_size > 0 ? 100 : 48, height = 32;
  const auto in = frame_of(index, width / scale, height / scale);
  Frame out(format_named("ARGB"), width, height, 2);
  engine.process(in->view, out.view, {.noise = config.noise, .abort = abort});
  return out.words;
}

// Every kind of problem, with every way to use the past.
std::vector<Config> problems() {
  const std::string blur = "gaussian-blur:sigma=1.6";
  const Config kinds[] = {
      {.task = Task::denoise, .noise = 10},
      {.task = Task::denoise, .noise = 20, .tile_size = 64},
      {.task = Task::restore},
      {.task = Task::inpaint},
      {.task = Task::super_resolution, .noise = 0},
      {.task = Task::super_resolution, .noise = 10},
      {.task = Task::super_resolution, .noise = 0, .mask_source = MaskSource::alpha},
      {.task = Task::deblur, .operator_text = blur, .noise = 2},
      {.task = Task::deblur, .operator_text = blur, .noise = 2, .mask_source = MaskSource::alpha},
  };
  std::vector<Config> all;
  for (Config config : kinds)
    for (const auto& temporal : names<Temporal>()) {
      const bool in_another_task =
          config.mask_source == MaskSource::alpha;  // many asks; the filter starts warm as well
      if (in_another_task && temporal.value != Temporal::filter) continue;
      config.temporal = temporal.value;
      config.prior = "dct";
      config.device = "cpu";
      config.steps = 2;
      all.push_back(config);
    }
  return all;
}

class EveryProblem : public ::testing::TestWithParam<Config> {};

// Ends the second frame of a stream wherever it asks. After reset() the same object must restore as a new one does.
TEST_P(EveryProblem, MayEndAtEveryAskAndLeavesNothingBehind) {
  const Config& config = GetParam();
  Engine fresh(config, false, ""), engine(config, false, "");
  const auto first = restore(fresh, 0, config), second = restore(fresh, 1, config);
  std::atomic<bool> flag = false;
  int asks = 0;
  {
    restore(engine, 0, config);
    const AbortAtAsk counter(flag, 0);
    EXPECT_EQ(restore(engine, 1, config, &flag), second);
    asks = counter.asks();
  }
  ASSERT_GE(asks, 2);
  for (int n = 1; n <= asks; ++n) {
    engine.reset();
    ASSERT_EQ(restore(engine, 0, config), first) << "ended at ask " << n - 1;
    flag = false;
    const AbortAtAsk at_ask(flag, n);
    ASSERT_TRUE(ends_early([&] { restore(engine, 1, config, &flag); })) << "ask " << n << " of " << asks;
    ASSERT_EQ(at_ask.asks(), n) << "went on asking";
  }
  engine.reset();
  EXPECT_EQ(restore(engine, 0, config), first);
  EXPECT_EQ(restore(engine, 1, config), second);
  RecordProperty("asks", asks);
}

INSTANTIATE_TEST_SUITE_P(Abort, EveryProblem, ::testing::ValuesIn(problems()), [](const auto& problem) {
  const Config& config = problem.param;
  std::string name = std::string(nick(config.task)) + (config.mask_source == MaskSource::alpha ? "_holes_" : "_") +
                     (config.tile_size ? "tiles_" : "") + std::to_string(static_cast<int>(config.noise)) + "_" +
                     nick(config.temporal);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
});

}  // namespace
}  // namespace reddiff
