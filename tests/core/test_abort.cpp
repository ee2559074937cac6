// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Work that nobody waits for any more: where it ends, and that a frame which ended in the middle leaves nothing behind.
#include <gtest/gtest.h>

#include <chrono>
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

using Clock = std::chrono::steady_clock;

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

constexpr int width = 100, height = 72;

std::unique_ptr<Frame> frame_of(int index) {
  auto frame = std::make_unique<Frame>(format_named("ARGB"), width, height, 1);
  const auto picture = scene(height + 16, width + 16, 5).narrow(2, index, height).narrow(3, 2 * index, width);
  const auto alpha = (at::arange(width) % 9 > 1).to(at::kFloat).expand({1, 1, height, width});
  write_picture(picture * 0.7 + 0.1 * noise({1, 3, height, width}, 100 + index), alpha, frame->view);
  return frame;
}

std::vector<std::uint16_t> restore(Engine& engine, int index, int scale, const std::atomic<bool>* abort) {
  const auto in = frame_of(index);
  Frame out(format_named("ARGB"), scale * width, scale * height, 2);
  engine.process(in->view, out.view, {.noise = 10, .abort = abort});
  return out.words;
}

// Ends a frame that has a past at ever later moments, until it comes out.
void end_everywhere(Config config) {
  config.prior = "dct";
  config.device = "cpu";
  config.tile_size = 64;
  const int scale = resolve_scale(config);
  const auto fresh_engine = [&] { return std::make_unique<Engine>(config, false, ""); };
  const auto fresh = fresh_engine();
  const auto first = restore(*fresh, 0, scale, nullptr);
  const auto before = Clock::now();
  const auto second = restore(*fresh, 1, scale, nullptr);
  const auto whole = Clock::now() - before;
  const auto engine = fresh_engine();
  int ended = 0;
  for (int fifths = 0; fifths < 5; ++fifths) {
    restore(*engine, 3, scale, nullptr);
    std::atomic<bool> flag = false;
    std::thread later([&] {
      std::this_thread::sleep_for(whole * fifths / 5);
      flag = true;
    });
    ended += ends_early([&] { restore(*engine, 4, scale, &flag); });
    later.join();
    engine->reset();
    EXPECT_EQ(restore(*engine, 0, scale, nullptr), first) << "after " << fifths << "/5 of a frame";
    EXPECT_EQ(restore(*engine, 1, scale, nullptr), second) << "after " << fifths << "/5 of a frame";
    engine->reset();
  }
  EXPECT_GE(ended, 2);
}

TEST(Abort, LeavesNothingBehind) {
  end_everywhere({.task = Task::denoise});
  end_everywhere({.task = Task::inpaint});
  end_everywhere({.task = Task::super_resolution});
  end_everywhere({.task = Task::deblur, .operator_text = "gaussian-blur:sigma=1.6"});
  end_everywhere({.task = Task::denoise, .temporal = Temporal::warm_start});
}

}  // namespace
}  // namespace reddiff
