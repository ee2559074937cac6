// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole frames through Engine and DegradeEngine, mostly with the dct prior; and the registries held against the names users see.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "core/degrade.h"
#include "core/device.h"
#include "core/engine.h"
#include "core/frame/convert.h"
#include "core/registry.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr int width = 64, height = 48;

std::unique_ptr<Engine> engine_of(Config config) {
  config.prior = "dct";
  config.device = "cpu";
  return std::make_unique<Engine>(config, false, "");
}

std::string model_path() {
  const char* models = std::getenv("REDDIFF_MODEL_PATH");
  return models ? models : "";
}

at::Tensor read(Frame& frame) { return read_picture(frame.view, at::kCPU); }

// RGB frame of a scene that moves two pixels a frame, with noise of the given deviation.
std::unique_ptr<Frame> moving_frame(int index, double noise_level, int w = width, int h = height,
                                    const char* format = "RGB") {
  auto frame = std::make_unique<Frame>(format_named(format), w, h, 1);
  const auto picture = scene(h + 32, w + 32, 5).narrow(2, 16, h).narrow(3, 2 * index, w).contiguous();
  write_picture(picture * 0.7 + noise_level * noise({1, 3, h, w}, 100 + index), {}, frame->view);
  return frame;
}

struct Restored {
  std::unique_ptr<Frame> frame;
  FrameReport report;
};

Restored restore(Engine& engine, Frame& in, int scale, const FrameOptions& options, const char* format = "RGB") {
  Restored restored{std::make_unique<Frame>(format_named(format), in.view.width * scale, in.view.height * scale, 2),
                    {}};
  restored.report = engine.process(in.view, restored.frame->view, options);
  return restored;
}

TEST(Registry, HoldsWhatTheNamesPromise) {
  std::set<std::string> built, promised;
  for (const auto& entry : operator_registry()) built.insert(entry.name);
  for (const auto& kind : operator_kinds()) promised.insert(kind.name);
  EXPECT_EQ(built, promised);
  for (const auto& kind : operator_kinds()) {
    if (std::string(kind.name) == "kernel") continue;
    EXPECT_TRUE(make_operator(parse_operator(kind.example))) << kind.name;
  }
  std::set<Optimizer> optimizers;
  for (const auto& entry : optimizer_registry()) optimizers.insert(entry.value);
  EXPECT_EQ(optimizers.size() + 1, names<Optimizer>().size());  // all but `preset`
}

TEST(Registry, UnknownPriorsListTheKnown) {
  try {
    make_prior({"nonsense", "", at::kCPU, Precision::automatic});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    for (const auto& entry : prior_registry()) EXPECT_NE(std::string(error.what()).find(entry.name), std::string::npos);
  }
}

TEST(Device, IsTheOneAskedForOrAnError) {
  EXPECT_TRUE(parse_device("cpu").is_cpu());
  for (const char* wrong : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:99"})
    EXPECT_THROW(parse_device(wrong), Error) << wrong;
}

TEST(Engine, RestoresEveryTask) {
  struct Case {
    Config config;
    std::string degradation;
    double noise;
  };
  const Case cases[] = {
      {{.task = Task::denoise, .noise = 25, .device = "cpu"}, "identity", 25},
      {{.task = Task::restore, .device = "cpu"}, "identity", 20},
      {{.task = Task::super_resolution, .device = "cpu"}, "bicubic:factor=2", 0},
      {{.task = Task::deblur, .operator_text = "gaussian-blur:sigma=1.5", .noise = 2, .device = "cpu"},
       "gaussian-blur:sigma=1.5",
       2},
  };
  for (const auto& c : cases) {
    const int scale = parse_operator(c.degradation).factor();
    Frame truth(format_named("RGB"), width, height, 1), degraded(format_named("RGB"), width / scale, height / scale, 3);
    write_picture(cartoon(height, width, 5), {}, truth.view);
    DegradeEngine({c.degradation, c.noise, 7, "cpu"}).process(truth.view, degraded.view, 0);
    Engine engine(c.config, false, model_path());
    const auto restored = restore(engine, degraded, scale, {.noise = c.config.noise});
    const auto plain = scale == 1 ? read(degraded) : at::upsample_bicubic2d(read(degraded), {height, width}, false);
    EXPECT_LT(rms(read(*restored.frame) - read(truth)), 0.93 * rms(plain - read(truth)))
        << c.degradation << " " << c.noise;
    EXPECT_FALSE(restored.report.not_finite);
    EXPECT_GE(restored.report.prior_calls, 1);
  }
}

TEST(Engine, FillsHolesAndKeepsWhatIsKnown) {
  const auto truth = moving_frame(0, 0);
  Frame in(format_named("ARGB"), width, height, 1);
  auto known = at::ones({1, 1, height, width});
  known.narrow(2, 20, 6).narrow(3, 30, 10).fill_(0);
  write_picture(read(*truth) * known, known, in.view);
  const auto engine = engine_of({.task = Task::inpaint});
  const auto restored = restore(*engine, in, 1, {}, "ARGB");
  const auto error = (read(*restored.frame) - read(*truth)).abs();
  EXPECT_LT((error * known).max().item<double>(), 2.5 / 255);
  EXPECT_LT((error * (1 - known)).sum().item<double>() / 180, 0.2);
  EXPECT_TRUE((read_alpha(restored.frame->view, at::kCPU) == 1).all().item<bool>());
}

TEST(Engine, NeedsAlphaForAMask) {
  const auto in = moving_frame(0, 0);
  const auto engine = engine_of({.task = Task::inpaint});
  EXPECT_THROW(restore(*engine, *in, 1, {}), Error);
}

TEST(Engine, ResetIsAFreshStartToTheBit) {
  for (auto config : {Config{.noise = 25, .temporal = Temporal::warm_start}, Config{.noise = 25}, Config{.noise = -1},
                      Config{.task = Task::super_resolution, .steps = 2},
                      Config{.operator_text = "gaussian-blur:sigma=1.2", .noise = 6, .steps = 2}}) {
    const auto engine = engine_of(config);
    const int scale = resolve_scale(config);
    std::vector<std::vector<std::uint16_t>> first;
    for (int pass = 0; pass < 2; ++pass) {
      for (int i = 0; i < 3; ++i) {
        const auto in = moving_frame(i, 0.1);
        auto restored = restore(*engine, *in, scale, {.noise = config.noise});
        EXPECT_EQ(restored.report.cold, i == 0);
        if (pass == 0)
          first.push_back(restored.frame->words);
        else
          EXPECT_EQ(restored.frame->words, first[i]) << i;
      }
      engine->reset();
    }
  }
}

TEST(Engine, TheFilterGainsFromFrameToFrame) {
  const auto errors = [](Temporal temporal) {
    const auto engine = engine_of({.noise = 25, .steps = 2, .temporal = temporal});
    std::vector<double> found;
    for (int i = 0; i < 5; ++i) {
      const auto restored = restore(*engine, *moving_frame(i, level_to_core(25)), 1, {.noise = 25});
      EXPECT_EQ(restored.report.prior_calls, i == 0 && temporal == Temporal::filter ? 3 : 2);
      found.push_back(rms(read(*restored.frame) - read(*moving_frame(i, 0))));
    }
    return found;
  };
  const auto still = errors(Temporal::none), filtered = errors(Temporal::filter);
  EXPECT_NEAR(filtered[0], still[0], 1e-6);
  for (std::size_t i = 2; i < still.size(); ++i) EXPECT_LT(filtered[i], 0.95 * still[i]) << i;
}

TEST(Engine, WithAPastTheFilterMakesAsManyCallsAsAskedFor) {
  for (auto config :
       {Config{.noise = 25, .steps = 3}, Config{.task = Task::inpaint, .steps = 3},
        Config{.task = Task::super_resolution, .steps = 3}, Config{.task = Task::super_resolution, .steps = 2}}) {
    const auto engine = engine_of(config);
    const char* format = config.task == Task::inpaint ? "ARGB" : "RGB";
    for (int i = 0; i < 3; ++i) {
      const auto in = moving_frame(i, 0, width, height, format);
      const auto report = restore(*engine, *in, resolve_scale(config), {.noise = config.noise}, format).report;
      EXPECT_EQ(report.cold, i == 0);
      if (i > 0) {
        EXPECT_EQ(report.prior_calls, config.steps);
      }
    }
  }
}

// What the filter cannot do is the warm start's, to the bit: colours are in no measurement.
TEST(Engine, FilterIsWarmStartWhereColoursAreMissing) {
  const auto last = [](Temporal temporal) {
    const auto engine = engine_of({.task = Task::deblur,
                                   .operator_text = "gaussian-blur:sigma=1.6+gray",
                                   .noise = 2,
                                   .steps = 1,
                                   .temporal = temporal});
    restore(*engine, *moving_frame(0, 0), 1, {.noise = 2});
    return restore(*engine, *moving_frame(1, 0), 1, {.noise = 2}).frame->words;
  };
  EXPECT_EQ(last(Temporal::filter), last(Temporal::warm_start));
  EXPECT_NE(last(Temporal::filter), last(Temporal::none));
}

TEST(Engine, TheFilterGainsForBlursFromFrameToFrame) {
  for (const std::string blur : {"gaussian-blur:sigma=1.2", "motion-blur:length=5:angle=20", "box-blur:size=3"}) {
    DegradeEngine degrade({blur, 6, 7, "cpu"});
    const auto errors = [&](Temporal temporal) {
      const auto engine =
          engine_of({.task = Task::deblur, .operator_text = blur, .noise = 6, .steps = 2, .temporal = temporal});
      std::vector<double> found;
      for (int i = 0; i < 5; ++i) {
        const auto truth = moving_frame(i, 0);
        Frame blurred(format_named("RGB"), width, height, 1);
        degrade.process(truth->view, blurred.view, static_cast<std::uint64_t>(i));
        const auto restored = restore(*engine, blurred, 1, {.noise = 6});
        EXPECT_EQ(restored.report.prior_calls, 2);
        EXPECT_EQ(restored.report.cold, temporal == Temporal::none || i == 0);
        found.push_back(rms(read(*restored.frame) - read(*truth)));
      }
      return found;
    };
    const auto still = errors(Temporal::none), filtered = errors(Temporal::filter);
    EXPECT_NEAR(filtered[0], still[0], 1e-6) << blur;
    for (std::size_t i = 2; i < still.size(); ++i) EXPECT_LT(filtered[i], 0.95 * still[i]) << blur << " " << i;
  }
}

// A dark flat video whose noise has ended at black, in every mode and as RGB and Y'CbCr.
TEST(Engine, NoiseThatEndsAtBlackDoesNotBrightenShadows) {
  constexpr double level = 40;
  for (const char* format : {"RGB", "GRAY8", "Y444"})
    for (const auto temporal : {Temporal::none, Temporal::warm_start, Temporal::filter}) {
      const auto engine = engine_of({.noise = level, .steps = 2, .temporal = temporal});
      double mean = 0;
      for (int i = 0; i < 4; ++i) {
        Frame in(format_named(format), width, height, 1);
        const auto field = level_to_core(level) * noise({1, 3, height, width}, 300 + static_cast<std::uint64_t>(i));
        const auto grey = std::string(format) == "GRAY8" ? field.narrow(1, 0, 1).expand(field.sizes()) : field;
        write_picture((level_to_core(10) - 1 + grey).clamp(-1, 1), {}, in.view);
        const auto restored = restore(*engine, in, 1, {.noise = level}, format);
        mean = level_to_user(read(*restored.frame).mean().item<double>() + 1);
      }
      EXPECT_NEAR(mean, 10, 3) << format << " " << static_cast<int>(temporal);  // it was 22
    }
}

// What a hole hides in one frame was seen in another.
TEST(Engine, TheFilterFillsAStandingHoleWithWhatWentUnderIt) {
  const auto error_of = [](Temporal temporal) {
    const auto engine = engine_of({.task = Task::inpaint, .steps = 2, .temporal = temporal});
    auto known = at::ones({1, 1, height, width});
    known.narrow(2, 20, 8).narrow(3, 30, 8).fill_(0);
    double error = 0;
    for (int i = 0; i < 8; ++i) {
      const auto truth = moving_frame(i, 0);
      Frame in(format_named("ARGB"), width, height, 1);
      write_picture(read(*truth) * known, known, in.view);
      const auto restored = restore(*engine, in, 1, {}, "ARGB");
      error = rms((read(*restored.frame) - read(*truth)) * (1 - known));
    }
    return error;
  };
  EXPECT_LT(error_of(Temporal::filter), 0.6 * error_of(Temporal::none));
}

// What is carried from frame to frame must neither drift nor hold on to what is gone.
class Along : public testing::TestWithParam<Config> {
 protected:
  // RMS error of the engine's next frame: the clean one at `index`, lighter by `light`, degraded as the task says.
  double next(Engine& engine, int index, double light = 0) {
    const auto& config = GetParam();
    const int scale = resolve_scale(config);
    const bool holes = config.task == Task::inpaint;
    const auto clean = (read(*moving_frame(index, 0)) * 0.5 + light).contiguous();
    auto seen = scale > 1 ? make_operator(resolve_operator(config))->forward(clean) : clean;
    if (config.noise > 0) seen = seen + level_to_core(config.noise) * noise(seen.sizes().vec(), 300 + frame_);
    const auto known = (noise({1, 1, height, width}, 900 + frame_) > 0).to(at::kFloat);
    ++frame_;
    Frame in(format_named(holes ? "ARGB" : "RGB"), width / scale, height / scale, 1);
    write_picture(seen, holes ? known : at::Tensor(), in.view);
    const auto restored = restore(engine, in, scale, {.noise = config.noise}, holes ? "ARGB" : "RGB");
    return rms(read(*restored.frame) - clean);
  }

 private:
  int frame_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Tasks, Along,
                         testing::Values(Config{.noise = 25, .steps = 2}, Config{.task = Task::inpaint, .steps = 2},
                                         Config{.task = Task::super_resolution, .steps = 2}));

TEST_P(Along, NothingDriftsIn300Frames) {
  const auto engine = engine_of(GetParam());
  double early = 0, late = 0;
  for (int i = 0; i < 300; ++i) {
    const int place = i % 28 < 14 ? i % 28 : 28 - i % 28;  // there and back
    const double error = next(*engine, place);
    if (i >= 14 && i < 42) early += error;
    if (i >= 272) late += error;
  }
  EXPECT_LT(late, 1.05 * early);
}

TEST_P(Along, AStillCameraGainsAndNeverLoses) {
  const auto engine = engine_of(GetParam());
  const double first = next(*engine, 0);
  double last = 0;
  for (int i = 0; i < 30; ++i) last = next(*engine, 0);
  EXPECT_LT(last, 1.02 * first);
}

TEST_P(Along, AFlashLeavesNoTrace) {
  const auto engine = engine_of(GetParam());
  double before = 0;
  for (int i = 0; i < 4; ++i) before = next(*engine, i);
  next(*engine, 4, 0.5);
  next(*engine, 5);
  EXPECT_LT(next(*engine, 6), 1.4 * before);
}

TEST_P(Along, AFadeIsFollowed) {
  const auto engine = engine_of(GetParam());
  double first = 0, last = 0;
  for (int i = 0; i < 10; ++i) {
    last = next(*engine, i, -0.04 * i);
    if (i == 0) first = last;
  }
  EXPECT_LT(last, 1.1 * first);
}

TEST(Engine, AnotherSizeStartsCold) {
  const auto engine = engine_of({.noise = 10});
  EXPECT_TRUE(restore(*engine, *moving_frame(0, 0.1), 1, {.noise = 10}).report.cold);
  EXPECT_FALSE(restore(*engine, *moving_frame(1, 0.1), 1, {.noise = 10}).report.cold);
  EXPECT_TRUE(restore(*engine, *moving_frame(2, 0.1, 33, 17), 1, {.noise = 10}).report.cold);
  EXPECT_TRUE(restore(*engine, *moving_frame(3, 0.1), 1, {.noise = 10}).report.cold);
}

TEST(Engine, ASceneCutStartsCold) {
  const auto engine = engine_of({.noise = 5});
  const auto show = [&](std::uint64_t seed) {
    Frame in(format_named("RGB"), width, height, 1);
    write_picture(scene(height, width, seed), {}, in.view);
    return restore(*engine, in, 1, {.noise = 5}).report;
  };
  show(1);
  EXPECT_FALSE(show(1).cut);
  const auto cut = show(9);
  EXPECT_TRUE(cut.cut && cut.cold);
  EXPECT_FALSE(show(9).cold);
}

TEST(Engine, StrengthBlendsWithThePlainInput) {
  const auto in = moving_frame(0, 0.2);
  const auto at_strength = [&](double strength) {
    const auto engine = engine_of({.noise = 25});
    return read(*restore(*engine, *in, 1, {.strength = strength, .noise = 25}).frame);
  };
  EXPECT_TRUE(at_strength(0).equal(read(*in)));
  EXPECT_LT((at_strength(0.5) - 0.5 * (at_strength(0) + at_strength(1))).abs().max().item<double>(), 2.1 / 255);
}

TEST(Engine, RestoresFormatsOfEveryKindAtAnySize) {
  for (const auto& format : formats())
    for (auto [w, h] : {std::pair{1, 1}, {2, 2}, {5, 3}, {130, 2}, {33, 34}}) {
      const auto in = moving_frame(0, 0.1, w, h, format.name);
      const auto engine = engine_of({.task = Task::super_resolution, .steps = 1});
      const auto restored = restore(*engine, *in, 2, {}, format.name);
      EXPECT_FALSE(restored.report.not_finite) << format.name << w << "x" << h;
      // Twice the size of a picture keeps its mean.
      EXPECT_NEAR(read(*restored.frame).mean().item<double>(), read(*in).mean().item<double>(), 0.05)
          << format.name << w << "x" << h;
    }
}

TEST(Engine, RefusesFramesThatDoNotFit) {
  const auto engine = engine_of({.task = Task::super_resolution});
  const auto in = moving_frame(0, 0);
  Frame wrong(format_named("RGB"), width, height, 1);
  EXPECT_THROW(engine->process(in->view, wrong.view, {}), Error);
  Frame right(format_named("RGB"), 2 * width, 2 * height, 1);
  const std::atomic<bool> abort = true;
  try {
    engine->process(in->view, right.view, {.abort = &abort});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::aborted);
  }
}

}  // namespace
}  // namespace reddiff
