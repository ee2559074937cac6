// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What whole frames gain from those before them, with the dct prior.
#include <algorithm>
#include <functional>

#include "core/degrade.h"
#include "core/device.h"
#include "core/registry.h"
#include "tests/core/engine_helpers.h"

namespace reddiff {
namespace {

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

// Pictures of one code value, and with bars of one, leave the filter nothing to divide by.
TEST(Engine, FlatAndLetterboxedVideoGoesThroughEveryOperatorAlongTime) {
  for (const std::string text : {"identity", "gray", "gaussian-blur:sigma=1", "bicubic:factor=2",
                                 "average-pool:factor=2", "gaussian-blur:sigma=1+bicubic:factor=2"})
    for (const double light : {-1., 1.})
      for (const int bar : {height / 4, height}) {
        const Config config{.task = Task::deblur, .operator_text = text, .noise = 0};
        const auto engine = engine_of(config);
        for (int i = 0; i < 3; ++i) {
          auto picture = read(*moving_frame(i, 0));
          picture.narrow(2, 0, bar).fill_(light);
          Frame in(format_named("RGB"), width, height, 1);
          write_picture(picture, {}, in.view);
          const auto report = restore(*engine, in, resolve_scale(config), {.noise = 0}).report;
          EXPECT_FALSE(report.not_finite) << text << " " << light << " " << bar << " " << i;
          EXPECT_EQ(report.cold, i == 0) << text << " " << light << " " << bar << " " << i;
        }
      }
}

// To the bit, once there is a past.
TEST(Engine, ARepeatedFrameIsRestoredAlike) {
  const auto engine = engine_of({.noise = 25, .steps = 2});
  for (int i = 0; i < 3; ++i) restore(*engine, *moving_frame(i, level_to_core(25)), 1, {.noise = 25});
  const auto once = restore(*engine, *moving_frame(3, level_to_core(25)), 1, {.noise = 25});
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(restore(*engine, *moving_frame(3, level_to_core(25)), 1, {.noise = 25}).frame->words, once.frame->words)
        << i;
}

// What the filter cannot do is the warm start's, to the bit: colours are in no measurement.
TEST(Engine, FilterIsWarmStartWhereColoursAreMissing) {
  for (const std::string text : {"gaussian-blur:sigma=1.6+gray", "gray+bicubic:factor=2"}) {
    const auto last = [&](Temporal temporal) {
      const Config config{.task = Task::deblur, .operator_text = text, .noise = 6, .steps = 1, .temporal = temporal};
      const auto engine = engine_of(config);
      restore(*engine, *moving_frame(0, 0), resolve_scale(config), {.noise = 6});
      return restore(*engine, *moving_frame(1, 0), resolve_scale(config), {.noise = 6}).frame->words;
    };
    EXPECT_EQ(last(Temporal::filter), last(Temporal::warm_start)) << text;
    EXPECT_NE(last(Temporal::filter), last(Temporal::none)) << text;
  }
}

// Whatever meets: what the filter knows and what it leaves to the warm start is decided for each.
TEST(Engine, EveryOperatorRunsAlongTimeWithHolesAndNoise) {
  std::vector<std::uint8_t> known(static_cast<std::size_t>(width * height), 1);
  for (std::size_t i = 0; i < known.size(); i += 3) known[i] = 0;
  std::fill_n(known.begin() + width * height / 2, 5 * width, 0);
  for (const std::string text :
       {"identity", "gray", "gaussian-blur:sigma=1", "bicubic:factor=2", "average-pool:factor=2",
        "gray+bicubic:factor=2", "gaussian-blur:sigma=1+gray", "gaussian-blur:sigma=1+bicubic:factor=2"})
    for (const auto temporal : {Temporal::warm_start, Temporal::filter})
      for (const double noise : {0., 6.})
        for (const bool masked : {false, true}) {
          Config config{.task = Task::deblur, .operator_text = text, .noise = noise, .temporal = temporal};
          if (masked) config.mask_source = MaskSource::roi;
          const auto engine = engine_of(config);
          for (int i = 0; i < 3; ++i) {
            const FrameOptions options{.noise = noise, .known = masked ? known.data() : nullptr};
            const auto report = restore(*engine, *moving_frame(i, 0), resolve_scale(config), options).report;
            EXPECT_FALSE(report.not_finite) << text << " " << noise << masked;
            EXPECT_EQ(report.cold, i == 0) << text << " " << noise << masked;
          }
        }
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

// Studio range has room above white: highlights whose noise ended nowhere stay beside shadows whose noise ended at black.
TEST(Engine, HighlightsAboveWhiteStayBesideClippedShadows) {
  constexpr double level = 10, highlight = 1.05;
  for (const auto temporal : {Temporal::none, Temporal::filter}) {
    const auto engine = engine_of({.noise = level, .steps = 2, .temporal = temporal});
    for (int i = 0; i < 4; ++i) {
      Frame in(format_named("Y444"), width, height, 1), out(format_named("Y444"), width, height, 2);
      const auto field = level_to_core(level) * noise({1, 3, height, width}, 300 + static_cast<std::uint64_t>(i));
      auto picture = (field - 0.95).clamp_min(-1);
      picture.narrow(3, width / 2, width / 2).copy_(field.narrow(3, width / 2, width / 2) + highlight);
      write_picture(picture, {}, in.view);
      engine->process(in.view, out.view, {.noise = level});
      const double found = read(out).narrow(3, width / 2 + 8, width / 2 - 8).mean().item<double>();
      EXPECT_NEAR(found, highlight, 0.015) << i << " " << static_cast<int>(temporal);
    }
  }
}

// With holes as well, from the first frame on.
TEST(Engine, NoiseThatEndsAtBlackDoesNotBrightenShadowsBesideHoles) {
  constexpr double level = 40;
  const auto engine = engine_of({.task = Task::inpaint, .noise = level});
  std::vector<double> means;
  for (int i = 0; i < 6; ++i) {
    Frame in(format_named("ARGB"), width, height, 1);
    const auto field = level_to_core(level) * noise({1, 3, height, width}, 300 + static_cast<std::uint64_t>(i));
    auto known = at::ones({1, 1, height, width});
    known.narrow(2, 20, 6).narrow(3, 30, 10).fill_(0);
    write_picture((level_to_core(10) - 1 + field).clamp(-1, 1), known, in.view);
    const auto restored = restore(*engine, in, 1, {.noise = level}, "ARGB");
    means.push_back(
        level_to_user((read(*restored.frame) + 1).mul(known).sum().item<double>() / (3 * known.sum().item<double>())));
  }
  for (const double mean : means) EXPECT_NEAR(mean, 10, 3);  // the first was 16
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
    auto seen = make_operator(resolve_operator(config))->forward(clean);
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
                                         Config{.task = Task::super_resolution, .steps = 2},
                                         Config{.operator_text = "gaussian-blur:sigma=1.2", .noise = 6, .steps = 2}));

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

// Noise and holes change from frame to frame, so their errors fall to a half or a third; what an enlarging misses stays the same.
TEST_P(Along, AStillCameraGainsAndNeverLoses) {
  const auto engine = engine_of(GetParam());
  const double first = next(*engine, 0);
  double last = 0;
  for (int i = 0; i < 30; ++i) {
    last = next(*engine, 0);
    EXPECT_LT(last, 1.02 * first) << i;
  }
  EXPECT_LT(last, (GetParam().task == Task::super_resolution ? 0.93 : 0.6) * first);
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

// A small noisy video is filtered before it is enlarged; where the noise stops being said, the filter goes over to pictures.
TEST(Engine, TheFilterGainsForEnlargingWithNoise) {
  DegradeEngine degrade({"bicubic:factor=2", 12, 7, "cpu"});
  const auto errors = [&](Temporal temporal) {
    const auto engine = engine_of({.task = Task::super_resolution, .scale = 2, .steps = 3, .temporal = temporal});
    std::vector<double> found;
    for (int i = 0; i < 6; ++i) {
      const auto truth = moving_frame(i, 0, 2 * width, 2 * height);
      Frame small(format_named("RGB"), width, height, 1);
      degrade.process(truth->view, small.view, static_cast<std::uint64_t>(i));
      const auto restored = restore(*engine, small, 2, {.noise = 12});
      EXPECT_EQ(restored.report.cold, temporal == Temporal::none || i == 0);
      EXPECT_EQ(restored.report.prior_calls, 3);
      found.push_back(rms(read(*restored.frame) - read(*truth)));
    }
    return found;
  };
  const auto none = errors(Temporal::none), warm = errors(Temporal::warm_start), filtered = errors(Temporal::filter);
  EXPECT_LT(warm.back(), 1.02 * none.back());
  EXPECT_LT(filtered.back(), 0.92 * none.back());
}

TEST(Engine, NoiseMayComeAndGoWhileEnlarging) {
  for (const auto source : {MaskSource::none, MaskSource::alpha}) {
    const auto engine = engine_of({.task = Task::super_resolution, .scale = 2, .steps = 2, .mask_source = source});
    std::vector<bool> cold;
    for (const double level : {0., 0., 10., 10., 0., 0.}) {
      const auto in = moving_frame(static_cast<int>(cold.size()), 0, width, height, "ARGB");
      cold.push_back(restore(*engine, *in, 2, {.noise = level}, "ARGB").report.cold);
    }
    EXPECT_TRUE(cold.front());
    EXPECT_FALSE(cold[1] || cold[3] || cold[5]);
    EXPECT_TRUE(cold[2] && cold[4]);  // what was remembered is of another kind
  }
}

// The level comes with each frame, whatever it was when the engine was made.
TEST(Engine, TheNoiseOfTheSettingsDoesNotMatter) {
  for (const double level : {0., 10.}) {
    std::vector<std::vector<std::uint16_t>> last;
    for (const double set : {0., 10.}) {
      const auto engine = engine_of(
          {.task = Task::super_resolution, .scale = 2, .noise = set, .steps = 2, .mask_source = MaskSource::alpha});
      for (int i = 0; i < 2; ++i) {
        const auto in = moving_frame(i, level_to_core(level), width, height, "ARGB");
        const auto restored = restore(*engine, *in, 2, {.noise = level}, "ARGB");
        if (i == 1) last.push_back(restored.frame->words);
      }
    }
    EXPECT_EQ(last[0], last[1]) << level;
  }
}

// start-level=0 asks for the whole schedule; what z is held to must not divide by it.
TEST(Engine, TheWholeScheduleLeavesThePastAlone) {
  for (const char* op : {"gaussian-blur:sigma=1+bicubic:factor=2", "bicubic:factor=2"}) {
    const auto engine = engine_of({.operator_text = op, .noise = 0, .steps = 2, .start_level = 0});
    for (int i = 0; i < 4; ++i) {
      const auto report = restore(*engine, *moving_frame(i, 0), 2, {.noise = 0}).report;
      EXPECT_FALSE(report.not_finite) << op << " " << i;
      EXPECT_EQ(report.cold, i == 0) << op << " " << i;
    }
  }
}

// RMS error of the last of some frames of half the resolution, in which holes(i), [1,1,height,width], are 0; where `asked` is not 0.
double error_of_enlarging(Temporal temporal, int frames, const std::function<at::Tensor(int)>& holes,
                          const at::Tensor& asked) {
  DegradeEngine degrade({"bicubic:factor=2", 0, 7, "cpu"});
  const auto engine = engine_of(
      {.task = Task::super_resolution, .scale = 2, .steps = 2, .temporal = temporal, .mask_source = MaskSource::alpha});
  double last = 0;
  for (int i = 0; i < frames; ++i) {
    const auto truth = moving_frame(i, 0, 2 * width, 2 * height);
    Frame small(format_named("RGB"), width, height, 1), holed(format_named("ARGB"), width, height, 1);
    degrade.process(truth->view, small.view, static_cast<std::uint64_t>(i));
    const auto known = holes(i);
    write_picture(read(small) * known, known, holed.view);
    const auto restored = restore(*engine, holed, 2, {}, "RGB");
    last = rms((read(*restored.frame) - read(*truth)) * asked);
  }
  return last;
}

// Other pixels are missing in every frame, and what is there has half the resolution.
TEST(Engine, TheFilterGainsForEnlargingWithHoles) {
  const auto scattered = [](int i) {
    return (noise({1, 1, height, width}, 60 + static_cast<std::uint64_t>(i)) > 0).to(at::kFloat);
  };
  const auto error = [&](Temporal temporal) { return error_of_enlarging(temporal, 5, scattered, at::ones({1})); };
  EXPECT_LT(error(Temporal::filter), 0.85 * error(Temporal::none));
}

TEST(Engine, TheFilterFillsAStandingHoleOfSmallVideo) {
  auto known = at::ones({1, 1, height, width});
  known.narrow(2, 20, 6).narrow(3, 30, 6).fill_(0);
  const auto missing = 1 - at::upsample_nearest2d(known, {2 * height, 2 * width});
  const auto error = [&](Temporal temporal) {
    return error_of_enlarging(
        temporal, 10, [&](int) { return known; }, missing);
  };
  EXPECT_LT(error(Temporal::filter), 0.7 * error(Temporal::none));
}

}  // namespace
}  // namespace reddiff
