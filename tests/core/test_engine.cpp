// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole frames through Engine and DegradeEngine, mostly with the dct prior; and the registries held against the names users see.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "core/degrade.h"
#include "core/device.h"
#include "core/registry.h"
#include "core/solvers/optimizer.h"
#include "tests/core/engine_helpers.h"

namespace reddiff {
namespace {

TEST(Registry, HoldsWhatTheNamesPromise) {
  std::set<std::string> built, promised;
  for (const auto& entry : operator_registry()) built.insert(entry.name);
  for (const auto& kind : operator_kinds()) promised.insert(kind.name);
  EXPECT_EQ(built, promised);
  for (const auto& kind : operator_kinds()) {
    if (std::string(kind.name) == "kernel") continue;
    EXPECT_TRUE(make_operator(parse_operator(kind.examples.front()))) << kind.name;
  }
  std::set<Optimizer> optimizers;
  for (const auto& entry : optimizer_registry()) optimizers.insert(entry.value);
  EXPECT_EQ(optimizers.size() + 2, names<Optimizer>().size());  // all but `preset` and the old name of a solver
  std::set<SolverKind> solvers;
  for (const auto& entry : solver_registry()) solvers.insert(entry.value);
  EXPECT_EQ(solvers.size() + 1, names<SolverKind>().size());  // all but `preset`
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
        << c.degradation << " " << c.noise << ", found " << restored.report.noise;
    EXPECT_FALSE(restored.report.not_finite);
    EXPECT_GE(restored.report.prior_calls, 1);
  }
}

// Nobody named the noise, and there is none: code values, alpha and padding as they were, and the prior is not asked.
TEST(Engine, LeavesFramesWithoutNoiseAlone) {
  for (const auto& format : formats()) {
    const char* name = format.name;
    Frame in(format, 96, 80, 3), out(format, 96, 80, 3);
    write_picture(scene(80, 96, 3) * 0.5, {}, in.view);
    // Codes that limited range reserves, and low bits of shifted words, would not come back from a picture.
    for (int x = 0; x < 96; ++x) in.words[static_cast<std::size_t>(x)] = x % 2 ? 0xffff : 0;
    const auto before = in.words;
    const auto engine = engine_of({});
    for (int frame = 0; frame < 3; ++frame) {
      const auto report = engine->process(in.view, out.view, {});
      EXPECT_EQ(report.prior_calls, 0) << name;
      EXPECT_EQ(report.noise, 0) << name;
      const auto same = read_picture(in.view, at::kCPU).equal(read_picture(out.view, at::kCPU));
      EXPECT_TRUE(same) << name << frame;
    }
    EXPECT_EQ(in.words, before) << name;
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

// The smoother, the more the prior weighs, in the presets too.
TEST(Engine, MoreWeightOfThePriorIsSmoother) {
  const auto in = moving_frame(0, level_to_core(10));
  const auto edges = [&](double prior_weight, Weighting weighting) {
    const auto engine = engine_of({.operator_text = "gaussian-blur:sigma=1",
                                   .noise = 10,
                                   .weighting = weighting,
                                   .prior_weight = prior_weight,
                                   .temporal = Temporal::none});
    const auto restored = read(*restore(*engine, *in, 1, {.noise = 10}).frame);
    return rms(restored.narrow(3, 1, width - 1) - restored.narrow(3, 0, width - 1));
  };
  EXPECT_GT(edges(0.1, Weighting::preset), 1.01 * edges(-1, Weighting::preset));
  EXPECT_GT(edges(-1, Weighting::preset), 1.01 * edges(10, Weighting::preset));
  EXPECT_GT(edges(-1, Weighting::square), 1.01 * edges(-1, Weighting::preset));  // s^2 instead of s, and s < 1
}

// One that a preset was not made for comes with as many steps as it needs.
TEST(Engine, EveryOptimizerRestores) {
  for (const std::string op : {"bicubic:factor=2", "gaussian-blur:sigma=1.5"})
    for (const auto& optimizer : names<Optimizer>()) {
      const int scale = parse_operator(op).factor();
      const double noise = scale == 1 ? 2 : 0;
      Frame truth(format_named("RGB"), width, height, 1),
          degraded(format_named("RGB"), width / scale, height / scale, 3);
      write_picture(cartoon(height, width, 5), {}, truth.view);
      DegradeEngine({op, noise, 7, "cpu"}).process(truth.view, degraded.view, 0);
      const auto engine =
          engine_of({.operator_text = op, .noise = noise, .optimizer = optimizer.value, .temporal = Temporal::none});
      const auto restored = restore(*engine, degraded, scale, {.noise = noise});
      const auto plain = scale == 1 ? read(degraded) : at::upsample_bicubic2d(read(degraded), {height, width}, false);
      EXPECT_LT(rms(read(*restored.frame) - read(truth)), 0.96 * rms(plain - read(truth))) << op << optimizer.nick;
    }
}

TEST(Engine, AnotherOptimizerDenoisesWhenThePriorWeighsMore) {
  const auto in = moving_frame(0, level_to_core(25));
  const auto error = [&](double prior_weight) {
    const auto engine = engine_of(
        {.noise = 25, .optimizer = Optimizer::adam, .prior_weight = prior_weight, .temporal = Temporal::none});
    return rms(read(*restore(*engine, *in, 1, {.noise = 25}).frame) - read(*moving_frame(0, 0)));
  };
  EXPECT_LT(error(10), 0.75 * level_to_core(25));
  EXPECT_LT(error(10), error(-1));
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

TEST(Engine, AnotherSizeStartsCold) {
  const auto engine = engine_of({.noise = 10});
  EXPECT_TRUE(restore(*engine, *moving_frame(0, 0.1), 1, {.noise = 10}).report.cold);
  EXPECT_FALSE(restore(*engine, *moving_frame(1, 0.1), 1, {.noise = 10}).report.cold);
  EXPECT_TRUE(restore(*engine, *moving_frame(2, 0.1, 33, 17), 1, {.noise = 10}).report.cold);
  EXPECT_TRUE(restore(*engine, *moving_frame(3, 0.1), 1, {.noise = 10}).report.cold);
}

TEST(Engine, AnotherFormatStartsCold) {
  const auto engine = engine_of({.noise = 10});
  for (const char* format : {"RGB", "Y444", "I420", "RGB"}) {
    EXPECT_TRUE(restore(*engine, *moving_frame(0, 0.1, width, height, format), 1, {.noise = 10}, format).report.cold)
        << format;
    EXPECT_FALSE(restore(*engine, *moving_frame(1, 0.1, width, height, format), 1, {.noise = 10}, format).report.cold)
        << format;
  }
}

// A model beside others: a link to the weights, as caches of models make them, with a card of its own that says that the network takes
// one level per picture.
TEST(Engine, TakesAModelThatKnowsOneLevelPerPicture) {
  const auto folder = std::filesystem::temp_directory_path() / ("reddiff-one-level-" + std::to_string(getpid()));
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::filesystem::create_symlink(std::filesystem::path(model_path()) / "tiny.safetensors", folder / "one.safetensors");
  std::stringstream card;
  card << std::ifstream(std::filesystem::path(model_path()) / "tiny.json").rdbuf();
  std::ofstream(folder / "one.json") << std::regex_replace(card.str(), std::regex("\"per_pixel_sigma\": true"),
                                                           "\"per_pixel_sigma\": false");
  for (const auto temporal : {Temporal::filter, Temporal::warm_start})
    for (auto config : {Config{.noise = 20}, Config{.task = Task::super_resolution, .noise = 0}}) {
      config.prior = folder / "one.safetensors";
      config.device = "cpu";
      config.temporal = temporal;
      Engine engine(config, false, "");
      for (int i = 0; i < 3; ++i) {
        const auto report =
            restore(engine, *moving_frame(i, 0.15), resolve_scale(config), {.noise = config.noise}).report;
        EXPECT_EQ(report.cold, i == 0);
        EXPECT_FALSE(report.not_finite);
      }
    }
  std::filesystem::remove_all(folder);
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

// No estimate above what is allowed; what is told counts as it is.
TEST(Engine, TheEstimateIsBounded) {
  const auto noise_used = [](const FrameOptions& options, double level) {
    const auto engine = engine_of({});
    return restore(*engine, *moving_frame(0, level_to_core(level)), 1, options).report.noise;
  };
  EXPECT_GT(noise_used({}, 20), 15);
  EXPECT_NEAR(noise_used({.most_noise = 7}, 20), 7, 1e-9);
  EXPECT_NEAR(noise_used({.noise = 20, .most_noise = 7}, 20), 20, 1e-9);
  EXPECT_LE(noise_used({.most_noise = 0}, 20), level_to_user(quantisation_floor(8)) + 1e-9);
  // Black and white by turns differ by more than noise can.
  Frame checkers(format_named("RGB"), width, height, 1);
  checkers.for_each([](int, const Component& c, int x, int y) { Frame::set_code(c, x, y, (x + y) % 2 * 255); });
  EXPECT_LE(restore(*engine_of({}), checkers, 1, {.most_noise = 1000}).report.noise, 255 + 1e-9);
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

// Steps so long that they leave all numbers behind.
TEST(Engine, AResultThatIsNotFiniteIsReplacedAndForgotten) {
  for (const Temporal temporal : {Temporal::none, Temporal::warm_start}) {
    const auto engine = engine_of({.task = Task::denoise,
                                   .noise = 25,
                                   .solver = SolverKind::red_diff,
                                   .optimizer = Optimizer::sgd,
                                   .learning_rate = 1e38,
                                   .steps = 4,
                                   .temporal = temporal});
    for (int i = 0; i < 2; ++i) {
      const auto in = moving_frame(i, 0.1);
      const auto restored = restore(*engine, *in, 1, {.noise = 25});
      EXPECT_TRUE(restored.report.not_finite);
      EXPECT_TRUE(restored.report.cold);
      EXPECT_TRUE(at::equal(read(*restored.frame), read(*in)));
    }
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
