// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole frames on a GPU: the same bytes twice, near the CPU's, and along time as good as the CPU's.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "core/degrade.h"
#include "core/engine.h"
#include "core/frame/convert.h"
#include "core/temporal/flow.h"
#include "tests/core/cuda_fixture.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

struct TaskCase {
  Task task;
  Preset preset;
  std::string operator_text, degradation;
  double noise;
  const char* format;
};

std::vector<TaskCase> task_cases() {
  return {
      {Task::denoise, Preset::quality, "", "identity", 25, "RGB"},
      {Task::restore, Preset::quality, "", "identity", 20, "I420"},
      {Task::super_resolution, Preset::quality, "", "bicubic:factor=2", 0, "RGB"},
      {Task::inpaint, Preset::quality, "", "identity", 0, "ARGB"},
      {Task::deblur, Preset::quality, "gaussian-blur:sigma=1.5", "gaussian-blur:sigma=1.5", 2, "RGB"},
      {Task::super_resolution, Preset::paper, "", "bicubic:factor=2", 0, "RGB"},
  };
}

// Codes of three restored frames of a scene that moves by two pixels a frame.
std::vector<std::vector<std::uint16_t>> restored(const TaskCase& c, const std::string& device, Temporal temporal) {
  constexpr int width = 96, height = 64;
  Config config;
  config.task = c.task;
  config.preset = c.preset;
  config.operator_text = c.operator_text;
  config.noise = c.task == Task::denoise || c.task == Task::deblur ? c.noise : -1;
  config.steps = c.preset == Preset::paper ? 5 : -1;
  config.device = device;
  config.precision = Precision::float32;
  config.temporal = temporal;
  Engine engine(config, false, models_of_tests());
  DegradeEngine degrade({c.degradation, c.noise, 7, "cpu"});
  const int factor = parse_operator(c.degradation).factor();
  std::vector<std::vector<std::uint16_t>> frames;
  for (int i = 0; i < 3; ++i) {
    Frame clean(format_named(c.format), width, height, 1);
    const auto known = (noise({1, 1, height, width}, 20 + static_cast<std::uint64_t>(i)) > -1).to(at::kFloat);
    write_picture(cartoon(height, width + 8, 5).narrow(3, 2 * i, width).contiguous(), known, clean.view);
    Frame in(format_named(c.format), width / factor, height / factor, 2), out(format_named(c.format), width, height, 3);
    degrade.process(clean.view, in.view, static_cast<std::uint64_t>(i));
    const auto report = engine.process(in.view, out.view, {.noise = config.noise});
    EXPECT_FALSE(report.not_finite) << c.degradation;
    frames.push_back(out.words);
  }
  return frames;
}

// Of all bytes the one that differs most.
int largest_difference(const std::vector<std::uint16_t>& a, const std::vector<std::uint16_t>& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (const int shift : {0, 8}) largest = std::max(largest, std::abs((a[i] >> shift & 255) - (b[i] >> shift & 255)));
  return largest;
}

TEST_F(Cuda, EveryTaskRepeatsToTheByteAndIsNearTheCpu) {
  for (const auto& c : task_cases()) {
    const std::string what = c.degradation + " " + std::to_string(c.noise) + " " + c.format;
    for (const Temporal temporal : {Temporal::warm_start, Temporal::filter})
      EXPECT_EQ(restored(c, name, temporal), restored(c, name, temporal)) << what;
    if (c.preset == Preset::paper) continue;  // draws noise, which differs between devices
    const auto still = restored(c, name, Temporal::none), still_on_cpu = restored(c, "cpu", Temporal::none);
    for (std::size_t i = 0; i < still.size(); ++i)
      EXPECT_LE(largest_difference(still[i], still_on_cpu[i]), 2) << what << " frame " << i;
  }
}

// As on the CPU (test_engine.cpp).
TEST_F(Cuda, AResultThatIsNotFiniteIsReplacedAndForgotten) {
  Config config;
  config.noise = 25;
  config.solver = SolverKind::red_diff;
  config.optimizer = Optimizer::sgd;
  config.learning_rate = 1e38;
  config.steps = 4;
  config.prior = "dct";
  config.device = name;
  config.temporal = Temporal::warm_start;
  Engine engine(config, false, models_of_tests());
  for (int i = 0; i < 2; ++i) {
    Frame in(format_named("RGB"), 96, 64, 1), out(format_named("RGB"), 96, 64, 2);
    write_picture(cartoon(64, 96, 5) + 0.1 * noise({1, 3, 64, 96}, 6), {}, in.view);
    const auto report = engine.process(in.view, out.view, {.noise = config.noise});
    EXPECT_TRUE(report.not_finite);
    EXPECT_TRUE(report.cold);
    EXPECT_TRUE(at::equal(read_picture(out.view, at::kCPU), read_picture(in.view, at::kCPU)));
  }
}

// Video whose camera pans and comes nearer, degraded in ways that ask for all that the filter does.
struct VideoCase {
  Task task;
  const char* operator_text;
  double noise;  // 8-bit units; code values clip it
  double light;  // of the clean picture: -1 all black, 0 as it is
  int missing;   // 0 nothing, 1 half of the pixels, 2 a rectangle
  const char* format;
};

std::vector<VideoCase> video_cases() {
  return {
      {Task::denoise, "identity", 25, 0, 0, "RGB"},
      {Task::denoise, "identity", 25, -0.8, 0, "I420"},
      {Task::inpaint, "identity", 0, 0, 1, "ARGB"},
      {Task::inpaint, "identity", 0, 0, 2, "ARGB"},
      {Task::inpaint, "identity", 10, 0, 2, "ARGB"},
      {Task::deblur, "gaussian-blur:sigma=1.5", 2, 0, 0, "RGB"},
      {Task::deblur, "gaussian-blur:sigma=1.5", 4, 0, 1, "ARGB"},
      {Task::super_resolution, "bicubic:factor=2", 0, 0, 0, "RGB"},
      {Task::super_resolution, "average-pool:factor=2", 10, 0, 0, "RGB"},
  };
}

at::Tensor clean_view(const at::Tensor& world, int index, double light, std::int64_t h, std::int64_t w) {
  const std::int64_t closer = 2 * index;
  const auto cut = world.narrow(2, 8 + closer, h + 32 - 2 * closer).narrow(3, 4 + 3 * index, w + 32 - 2 * closer);
  const auto view = at::upsample_bicubic2d(cut, {h, w}, false);
  return (light < 0 ? view * (1 + light) + light : view).clamp(-1, 1).contiguous();
}

struct Quality {
  double db;  // of the last frame, all of it
  std::vector<int> calls;
  std::vector<bool> cold;
};

Quality restored_quality(const VideoCase& c, const std::string& device, Temporal temporal) {
  constexpr int width = 128, height = 96, frames = 6;
  Config config;
  config.task = c.task;
  config.operator_text = c.operator_text;
  config.noise = c.noise;
  config.device = device;
  config.precision = Precision::float32;
  config.temporal = temporal;
  Engine engine(config, false, models_of_tests(), {}, make_patch_flow);  // on the CPU OpenCV would be chosen
  const int factor = parse_operator(c.operator_text).factor();
  DegradeEngine degrade({c.operator_text, c.noise, 7, "cpu"});
  const auto world = cartoon(height + 48, width + 64, 5);
  Quality quality{};
  for (int i = 0; i < frames; ++i) {
    const auto picture = clean_view(world, i, c.light, height, width);
    auto known = at::ones({1, 1, height, width});
    if (c.missing == 1) known = (noise({1, 1, height, width}, 20 + static_cast<std::uint64_t>(i)) > 0).to(at::kFloat);
    if (c.missing == 2) known.narrow(2, 60, 14).narrow(3, 40, 40).zero_();
    Frame clean(format_named(c.format), width, height, 1);
    write_picture(picture, known, clean.view);
    Frame in(format_named(c.format), width / factor, height / factor, 2), out(format_named(c.format), width, height, 3);
    degrade.process(clean.view, in.view, static_cast<std::uint64_t>(i));
    const auto report = engine.process(in.view, out.view, {.noise = c.noise});
    EXPECT_FALSE(report.not_finite);
    quality.calls.push_back(report.prior_calls);
    quality.cold.push_back(report.cold);
    quality.db = -20 * std::log10(rms(read_picture(out.view, at::kCPU) - picture) / 2);
  }
  return quality;
}

// Rounding that differs may move a vector or tip a trust, so bytes differ along time; what is gained by the past does not.
TEST_F(Cuda, VideoAlongTimeIsAsGoodAsOnTheCpu) {
  for (const auto& c : video_cases())
    for (const Temporal temporal : {Temporal::filter, Temporal::warm_start}) {
      const std::string what = std::string(c.operator_text) + " " + std::to_string(c.noise) + " missing " +
                               std::to_string(c.missing) + (temporal == Temporal::filter ? " filter" : " warm-start");
      const auto on_cpu = restored_quality(c, "cpu", temporal), on_gpu = restored_quality(c, name, temporal);
      std::printf("%s: %.2f dB on %s, %.2f dB on cpu\n", what.c_str(), on_gpu.db, name.c_str(), on_cpu.db);
      EXPECT_NEAR(on_gpu.db, on_cpu.db, 0.1) << what;
      EXPECT_EQ(on_gpu.calls, on_cpu.calls) << what;
      EXPECT_EQ(on_gpu.cold, on_cpu.cold) << what;
    }
}

}  // namespace
}  // namespace reddiff
