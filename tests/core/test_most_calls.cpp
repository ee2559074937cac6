// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A frame that has to be done in time: FrameOptions::most_calls over every task and temporal mode.
#include <gtest/gtest.h>

#include <memory>

#include "core/engine.h"
#include "core/frame/convert.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr int width = 48, height = 32;

std::unique_ptr<Frame> blank(int scale) {
  return std::make_unique<Frame>(format_named("ARGB"), width * scale, height * scale, 2);
}

std::unique_ptr<Frame> moving(int index) {
  auto frame = blank(1);
  const auto all = scene(height + 32, width + 32, 5);
  auto alpha = at::ones({1, 1, height, width});
  alpha.narrow(3, 10, 6).zero_();
  // The noise of the second frame is another one.
  const auto seen = all.narrow(2, 16, height).narrow(3, index, width) * 0.7 +
                    (index == 1 ? 0.3 : 0.05) * noise({1, 3, height, width}, 40 + static_cast<std::uint64_t>(index));
  write_picture(seen.contiguous(), alpha, frame->view);
  return frame;
}

struct Subject {
  const char* name;
  Config config;
};

std::vector<Subject> tasks() {
  return {{"denoise", {.noise = 10}},
          {"restore", {.task = Task::restore}},
          {"x2", {.task = Task::super_resolution}},
          {"holes", {.task = Task::inpaint, .noise = 2}},
          {"deblur", {.task = Task::deblur, .operator_text = "gaussian-blur:sigma=1", .noise = 2}}};
}

TEST(MostCalls, IsKeptByEveryTaskAndMode) {
  for (auto& task : tasks())
    for (const auto& mode : names<Temporal>())
      for (const int most : {0, 1, 2, 3}) {
        task.config.temporal = mode.value;
        task.config.prior = "dct";
        task.config.device = "cpu";
        task.config.steps = 5;
        Engine engine(task.config, false, "");
        const int scale = resolve_scale(task.config);
        for (int i = 0; i < 3; ++i) {
          const auto in = moving(i), out = blank(scale);
          FrameOptions options;
          options.noise = task.config.noise;
          options.most_calls = most;
          const auto report = engine.process(in->view, out->view, options);
          EXPECT_LE(report.prior_calls, most) << task.name << " " << mode.nick << " frame " << i;
          EXPECT_EQ(report.prior_calls == 0, most == 0) << task.name << " " << mode.nick << " frame " << i;
          EXPECT_FALSE(report.not_finite);
        }
      }
}

// A frame without calls leaves the past as it is: what follows equals what it would be had that frame not come.
TEST(MostCalls, NoneLeavesThePastAlone) {
  for (auto& task : tasks()) {
    task.config.prior = "dct";
    task.config.device = "cpu";
    Engine skips(task.config, false, ""), never_sees(task.config, false, "");
    const int scale = resolve_scale(task.config);
    for (int i = 0; i < 3; ++i) {
      const auto in = moving(i), a = blank(scale), b = blank(scale);
      FrameOptions options;
      options.noise = task.config.noise;
      options.most_calls = i == 1 ? 0 : -1;
      skips.process(in->view, a->view, options);
      if (i == 1) continue;
      never_sees.process(in->view, b->view, options);
      EXPECT_EQ(a->words, b->words) << task.name << " frame " << i;
    }
  }
}

// The published code returns the mean before its last step: of a single one that would be the start.
TEST(MostCalls, OneCallOfThePapersSettingsIsNotLost) {
  const auto restored = [](int most_calls) {
    Engine engine({.preset = Preset::paper, .task = Task::super_resolution, .prior = "dct", .device = "cpu"}, false,
                  "");
    const auto in = moving(0), out = blank(2);
    FrameOptions options;
    options.most_calls = most_calls;
    engine.process(in->view, out->view, options);
    return out->words;
  };
  EXPECT_NE(restored(1), restored(0));
}

}  // namespace
}  // namespace reddiff
