// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is believed of a video's noise without a setting: noise of several kinds is found, pictures without noise are not taken for it.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/frame/convert.h"
#include "core/frame/noise_blocks.h"
#include "core/frame/noise_curve.h"
#include "core/frame/noise_model.h"
#include "core/frame/noise_verdict.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

constexpr std::int64_t height = 192, width = 256;

// A denoiser that knows the clean picture, at full size or as means, and so takes away noise alone; the judge of the tests.
Denoise oracle(const at::Tensor& clean) {
  return [clean](const at::Tensor& u, double) {
    const auto times = clean.size(3) / u.size(3);
    return (times == 1 ? clean : at::avg_pool2d(clean, {times, times})).clone();
  };
}

at::Tensor to_codes(const at::Tensor& picture) { return (picture.clamp(-1, 1) * 127.5 + 127.5).round() / 127.5 - 1; }

double level_of(NoiseModel& model, const at::Tensor& picture, const Denoise& denoise, const char* format = "RGB") {
  Frame frame(format_named(format), picture.size(3), picture.size(2), 1);
  write_picture(picture, {}, frame.view);
  return model.update(frame.view, read_picture(frame.view, at::kCPU), {}, denoise) * 255 / 2;
}

at::Tensor blurred_noise(std::uint64_t seed) {
  const auto field = noise({1, 3, height / 2, width / 2}, seed);
  return at::upsample_bicubic2d(field, {height, width}, false);
}

TEST(NoiseModel, FindsWhiteNoiseAtOnceAndStays) {
  const auto clean = scene(height, width, 8) * 0.6;
  for (const char* format : {"RGB", "I420"})
    for (const double level : {2.0, 5.0, 15.0, 40.0}) {
      NoiseModel model;
      for (std::uint64_t frame = 0; frame < 4; ++frame) {
        const auto noisy = clean + level * 2 / 255 * noise({1, 3, height, width}, 40 + frame);
        EXPECT_NEAR(level_of(model, noisy, oracle(clean), format), level, std::max(0.5, 0.1 * level))
            << format << frame;
      }
      EXPECT_NEAR(model.rms() * 255 / 2, level, std::max(0.5, 0.1 * level));
      EXPECT_NEAR(model.slope(), 1, 0.25);
      EXPECT_FALSE(model.map(clean).defined());
    }
}

// Enlarged by two: the prior has to be told twice the level; what is said of it is what it is, halved chroma or not.
TEST(NoiseModel, TellsThePriorMoreOfCorrelatedNoise) {
  const auto clean = scene(height, width, 8) * 0.6;
  for (const char* format : {"RGB", "Y444", "I420"}) {
    NoiseModel model;
    for (std::uint64_t frame = 0; frame < 3; ++frame) {
      const auto field = blurred_noise(50 + frame) * (15 * 2 / 255.0);
      const double level = level_of(model, clean + field, oracle(clean), format), own = rms(field) * 255 / 2;
      EXPECT_GT(level, 1.5 * own) << format;
      EXPECT_LT(level, 3.2 * own) << format;
      EXPECT_NEAR(model.rms() * 255 / 2, own, 0.35 * own) << format;
    }
    EXPECT_GT(model.slope(), 3) << format;
  }
}

// A prior that takes next to nothing away: all of it is detail.
TEST(NoiseModel, BelievesThePriorBeforeTimeHasTold) {
  const auto detail = scene(height, width, 8) * 0.5 + 10 * 2 / 255.0 * noise({1, 3, height, width}, 60);
  NoiseModel model;
  int asked = 0;
  const Denoise keeps = [&](const at::Tensor& u, double) {
    ++asked;
    return u.clone();
  };
  for (int frame = 0; frame < 6; ++frame) EXPECT_EQ(level_of(model, detail.roll(frame * 40, 3), keeps), 0) << frame;
  EXPECT_GT(asked, 0);
  EXPECT_LE(asked, 2 * noise_sizes);  // not in every frame
}

// Of what rises towards smaller sizes as detail does, less has to be taken of luma if as much is taken of colours.
TEST(NoiseVerdict, ColoursSpeakWhereLumaMayBeDetail) {
  const std::array<double, noise_sizes> rising{0.03, 0.1, 0.25}, standing{0.03, 0.1, 0.2};
  const auto taking = [](double luma, double colour) -> Denoise {
    return [=](const at::Tensor& u, double level) {
      const auto field = noise(u.sizes(), 63);
      const auto grey = field.narrow(1, 0, 1) * 0.299 + field.narrow(1, 1, 1) * 0.587 + field.narrow(1, 2, 1) * 0.114;
      return u - level * (luma * grey + colour * (field - grey));
    };
  };
  const auto picture = at::zeros({1, 3, height, width});
  EXPECT_EQ(confirmed_size(picture, rising, taking(0.65, 0.3)), 2);
  EXPECT_EQ(confirmed_size(picture, rising, taking(0.59, 0.75)), 2);
  EXPECT_NE(confirmed_size(picture, rising, taking(0.59, 0.5)), 2);
  EXPECT_NE(confirmed_size(picture, rising, taking(0.5, 0.9)), 2);
  EXPECT_EQ(confirmed_size(picture, standing, taking(0.59, 0.5)), 2);
}

// Detail that stands still is not in what changes; the last frame to the bit says nothing either way.
TEST(NoiseModel, TimeTellsDetailFromNoise) {
  const auto strength = at::linspace(0.1, 1, width).reshape({1, 1, 1, width}) * (24 * 2 / 255.0);
  const auto detail = scene(height, width, 8) * 0.3 + strength * noise({1, 3, height, width}, 61);
  NoiseModel model;
  const Denoise takes_all = [](const at::Tensor& u, double) { return at::zeros_like(u); };
  double level = 0;
  for (std::uint64_t frame = 0; frame < 20; ++frame)
    level = level_of(model, detail + 4 * 2 / 255.0 * noise({1, 3, height, width}, 70 + frame), takes_all);
  EXPECT_NEAR(level, 4, 0.8);
  const auto again = detail + 4 * 2 / 255.0 * noise({1, 3, height, width}, 70 + 19);
  for (int repeat = 0; repeat < 3; ++repeat) EXPECT_NEAR(level_of(model, again, takes_all), level, 0.3);
}

// Detail of every size, which moves by a quarter of a pixel, half a pixel or a whole one: it changes as noise does, but most where most of
// it is.
TEST(NoiseModel, TimeDoesNotTakeAPanForNoise) {
  const std::int64_t fine = 4, room = 64;
  auto field = at::zeros({1, 3, fine * height, fine * width + room});
  for (const std::int64_t cell : {4, 8, 16})
    field += at::upsample_bicubic2d(noise({1, 3, fine * height / cell, (fine * width + room) / cell}, 80 + cell),
                                    {field.size(2), field.size(3)}, false);
  const auto strength = at::linspace(0.02, 1, height).square().reshape({1, 1, height, 1}) * 0.25;
  const Denoise takes_nothing = [](const at::Tensor& u, double) { return u.clone(); };
  for (const std::int64_t step : {1, 2, 4}) {
    NoiseModel model;
    for (std::int64_t frame = 0; frame < 8; ++frame) {
      const auto shown = at::avg_pool2d(field.narrow(3, frame * step, fine * width), {fine, fine}) * strength;
      EXPECT_EQ(level_of(model, to_codes(shown), takes_nothing), 0) << step << " quarters of a pixel, frame " << frame;
    }
  }
}

// One frame that has not moved is no proof, as slow pans over fine texture pass for it now and then; two are.
TEST(NoiseModel, TimeIsAskedTwice) {
  const auto clean = with_detail(scene(height, width, 8) * 0.5, 40);
  const Denoise takes_nothing = [](const at::Tensor& u, double) { return u.clone(); };
  NoiseModel model;
  const auto next = [&](std::uint64_t frame) {
    return level_of(model, clean + 6 * 2 / 255.0 * noise({1, 3, height, width}, 120 + frame), takes_nothing);
  };
  EXPECT_EQ(next(0), 0);
  EXPECT_EQ(next(1), 0);
  EXPECT_NEAR(next(2), 6, 1.5);
}

// A picture that moves by whole pixels tells as one does that stands still, each part along its own motion; the judge does not know its noise.
TEST(NoiseModel, TimeFindsNoiseOfWhatMovesByWholePixels) {
  constexpr std::int64_t room = 64;
  const auto wide = with_detail(scene(height, width + room, 8) * 0.5, 40).roll(width / 2, 3);
  auto field = wide + 0.1 * noise(wide.sizes(), 64);
  const Denoise takes_nothing = [](const at::Tensor& u, double) { return u.clone(); };
  for (const char* format : {"RGB", "I420"}) {
    NoiseModel model, clean;
    double level = 0;
    for (std::int64_t frame = 0; frame < 6; ++frame) {
      const auto shown = field.narrow(3, 6 * frame, width);
      const auto noisy = shown + 6 * 2 / 255.0 * noise({1, 3, height, width}, 95 + static_cast<std::uint64_t>(frame));
      level = level_of(model, noisy, takes_nothing, format);
      EXPECT_EQ(level_of(clean, to_codes(shown), takes_nothing, format), 0) << format << frame;
    }
    EXPECT_NEAR(level, 6, 1) << format;
  }
}

// Where no detail shows beside it, time tells of noise that the judge has found something of; it may be a texture that moves as well.
TEST(NoiseModel, TimeFindsNoiseThatHidesAllDetail) {
  const Denoise takes_white = [](const at::Tensor& u, double level) {
    return u.size(3) == width ? u - level * noise(u.sizes(), 65) : u.clone();
  };
  const Denoise takes_nothing = [](const at::Tensor& u, double) { return u.clone(); };
  const auto soft = [](std::uint64_t seed) {
    return at::avg_pool2d(noise({1, 3, height + 1, width + 1}, seed), {2, 2}, {1, 1}) * 2;
  };
  NoiseModel believed, doubted;
  for (std::uint64_t frame = 0; frame < 4; ++frame) {
    const auto noisy = 0.1 + 30 * 2 / 255.0 * soft(96 + frame);
    level_of(believed, noisy, takes_white);
    EXPECT_EQ(level_of(doubted, noisy, takes_nothing), 0) << frame;
  }
  EXPECT_TRUE(believed.is_correlated());
  EXPECT_NEAR(believed.rms() * 255 / 2, 30 * rms(soft(99)), 4);
}

// Noise that a camera's denoising left is weakest where the picture is flat, and the judge may not know it: time finds it.
TEST(NoiseModel, TimeFindsNoiseThatIsStrongerBesideDetail) {
  const auto strength = at::linspace(0.1, 1, height).square().reshape({1, 1, height, 1});
  const auto detail = scene(height, width, 8) * 0.3 + strength * 0.25 * noise({1, 3, height, width}, 62);
  const Denoise takes_nothing = [](const at::Tensor& u, double) { return u.clone(); };
  NoiseModel model;
  double level = 0;
  for (std::uint64_t frame = 0; frame < 6; ++frame)
    level = level_of(model, detail + (2 + 3 * strength) * 2 / 255.0 * blurred_noise(90 + frame), takes_nothing);
  EXPECT_GT(level, 3);
  EXPECT_LT(level, 9);
}

// White noise has none, and what moves says nothing of it.
TEST(NoiseModel, LearnsTheSpectrumWhereThePictureStandsStill) {
  const auto clean = with_detail(scene(height, width, 8) * 0.6, 40);
  for (const char* format : {"RGB", "I420"}) {
    NoiseModel still, white, moving;
    for (std::uint64_t frame = 0; frame < 4; ++frame) {
      const auto field = blurred_noise(50 + frame) * (15 * 2 / 255.0);
      level_of(still, clean + field, oracle(clean), format);
      EXPECT_EQ(still.spectrum() != nullptr, frame >= 1) << format << frame;
      level_of(white, clean + 10 * 2 / 255.0 * noise({1, 3, height, width}, 60 + frame), oracle(clean), format);
      EXPECT_EQ(white.spectrum(), nullptr) << format;
      const auto elsewhere = with_detail(scene(height, width, 100 + frame) * 0.6, 200 + 10 * frame);
      level_of(moving, elsewhere + field, oracle(elsewhere), format);
      EXPECT_EQ(moving.spectrum(), nullptr) << format;
      EXPECT_GT(moving.density(), 1.5);
    }
    ASSERT_NE(still.spectrum(), nullptr);
    EXPECT_GT(still.spectrum()->slow_power(), 2);
    still.start_scene();
    EXPECT_EQ(still.spectrum(), nullptr);
  }
}

// Luma that is white and says nothing of it, colour that varies over many pixels, as cameras leave it.
at::Tensor blotches(std::uint64_t seed) {
  const auto colour = at::upsample_bicubic2d(noise({1, 2, height / 8, width / 8}, seed), {height, width}, false);
  const auto cb = colour.narrow(1, 0, 1), cr = colour.narrow(1, 1, 1);
  return noise({1, 1, height, width}, seed + 1000) + at::cat({1.4 * cr, -0.34 * cb - 0.71 * cr, 1.77 * cb}, 1);
}

TEST(NoiseModel, TimeFindsBlotchesOfColourBesideWhiteLuma) {
  const auto clean = with_detail(scene(height, width, 8) * 0.5, 40);
  for (const char* format : {"RGB", "Y444", "I420"}) {
    NoiseModel blotchy, white, grey;
    for (std::uint64_t frame = 0; frame < 6; ++frame) {
      level_of(blotchy, clean + 8 * 2 / 255.0 * blotches(300 + frame), oracle(clean), format);
      level_of(white, clean + 8 * 2 / 255.0 * noise({1, 3, height, width}, 330 + frame), oracle(clean), format);
      level_of(grey, clean + 8 * 2 / 255.0 * noise({1, 1, height, width}, 360 + frame), oracle(clean), format);
    }
    EXPECT_TRUE(blotchy.is_correlated()) << format;
    ASSERT_NE(blotchy.spectrum(), nullptr) << format;
    const double own = 8 * rms(blotches(305));
    EXPECT_NEAR(blotchy.rms() * 255 / 2, own, 0.25 * own) << format;
    EXPECT_GT(blotchy.level() * 255 / 2, own) << format;
    EXPECT_FALSE(white.is_correlated()) << format;
    EXPECT_FALSE(grey.is_correlated()) << format;
    blotchy.start_scene();
    EXPECT_FALSE(blotchy.is_correlated()) << format;
  }
}

TEST(NoiseModel, FollowsAGainThatWasSwitched) {
  const auto clean = scene(height, width, 8) * 0.5;
  NoiseModel model;
  std::uint64_t seed = 100;
  const auto run = [&](double level) {
    double found = 0;
    for (int frame = 0; frame < 4; ++frame)
      found = level_of(model, clean + level * 2 / 255 * noise({1, 3, height, width}, seed++), oracle(clean));
    return found;
  };
  for (const double level : {5.0, 20.0, 8.0}) EXPECT_NEAR(run(level), level, 0.12 * level);
  model.start_scene();
  EXPECT_NEAR(run(30), 30, 3);
}

struct Clean {
  std::string name;
  at::Tensor picture;  // [1,3,h,w], code values of 8 bits
};

at::Tensor checkers(std::int64_t side) {
  const auto y = at::arange(height).div(side, "floor").reshape({1, 1, height, 1});
  const auto x = at::arange(width).div(side, "floor").reshape({1, 1, 1, width});
  return ((x + y).remainder(2) * 2 - 1).to(at::kFloat).expand({1, 3, height, width}).contiguous();
}

// Strokes of one or two pixels on a flat ground, as letters are.
at::Tensor strokes(double ground, double ink) {
  auto page = at::full({1, 3, height, width}, ground);
  const auto where = noise({height / 6, width / 3}, 7);
  for (std::int64_t row = 0; row < height / 6; ++row)
    for (std::int64_t column = 0; column < width / 3; ++column) {
      const double chance = where[row][column].item<double>();
      if (chance > 0.3) page.narrow(2, row * 6, 5).narrow(3, column * 3, 1).fill_(ink);
      if (chance < -0.5) page.narrow(2, row * 6 + 2, 1).narrow(3, column * 3, 3).fill_(ink);
    }
  return page;
}

std::vector<Clean> clean_pictures() {
  const auto ramp = at::linspace(-0.6, 0.7, width).reshape({1, 1, 1, width}).expand({1, 3, height, width});
  const auto dither = at::special_ndtr(noise({1, 3, height, width}, 3)) - 0.5;
  return {{"checkers of 1", checkers(1)},
          {"checkers of 2", checkers(2)},
          {"checkers of 8", checkers(8)},
          {"grey checkers", checkers(1) * 0.3},
          {"text on grey", strokes(0, -1)},
          {"text on white", strokes(1, -1)},
          {"text on dark", strokes(-0.8, 0.7)},
          {"flat", at::full({1, 3, height, width}, 0.2)},
          {"ramp", ramp},
          {"dithered ramp", ramp + dither * 2 / 255},
          {"dithered white page", 1 - 1 / 255.0 + dither * 2 / 255},
          {"black", at::full({1, 3, height, width}, -1.0)},
          {"pixel art", at::upsample_nearest2d(noise({1, 3, height / 4, width / 4}, 9) * 0.5, {height, width})}};
}

// Whatever the prior takes away: nothing in them looks like noise enough to ask, or time says so.
TEST(NoiseModel, FindsNoneInCleanPictures) {
  const Denoise smooths = [](const at::Tensor& u, double) {
    return at::avg_pool2d(u, {3, 3}, {1, 1}, {1, 1}, false, false);
  };
  for (const auto& [name, picture] : clean_pictures())
    for (const char* format : {"RGB", "I420"}) {
      NoiseModel model;
      for (int frame = 0; frame < 3; ++frame)
        EXPECT_LE(level_of(model, to_codes(picture), smooths, format), 0.5) << name << format;
    }
}

// What tells a drawing on white from noise that is strong enough to look like it: hatching beside white, which a codec has left
// uneven in one plane.
TEST(NoiseModel, ADrawingOnWhiteIsNoStrongNoise) {
  auto drawing = at::ones({1, 3, 96, 128});
  drawing.narrow(3, 0, 64).copy_(noise({1, 1, 96, 64}, 5).clamp(-1, 1).expand({1, 3, 96, 64}));
  drawing.narrow(1, 0, 1).sub_((noise({1, 1, 96, 128}, 6) < -0.84).to(at::kFloat) * (2.0 / 255)).clamp_(-1, 1);
  const auto vote = vote_on_noise(drawing);
  EXPECT_GT(vote.level, 2.0 * 40 / 255);
  EXPECT_GT(vote.at_ends, 0.3);
  EXPECT_LT(vote_on_noise((drawing.sign() + 0.3 * noise(drawing.sizes(), 8)).clamp(-1, 1)).at_ends, 0.02);
  auto known = at::ones({1, 1, 96, 128});
  known.narrow(3, 64, 64).zero_();
  EXPECT_LT(vote_on_noise(drawing, known).at_ends, 0.05);  // what is missing is no white
  NoiseModel model;
  const Denoise takes_all_for_noise = [](const at::Tensor& u, double level) { return u - level * noise(u.sizes(), 7); };
  for (int t = 0; t < 4; ++t) EXPECT_EQ(level_of(model, drawing, takes_all_for_noise), 0) << t;
}

// Bars and insets were put there afterwards and have little noise of their own, or none.
TEST(NoiseModel, LooksPastBarsAndInsets) {
  const auto clean = scene(height, width, 8) * 0.5;
  using Cover = std::function<void(at::Tensor&, double)>;
  const std::pair<const char*, Cover> covers[] = {
      {"bars", [](at::Tensor& t, double v) { t.narrow(2, 0, 21).fill_(v), t.narrow(2, height - 21, 21).fill_(v); }},
      {"pillars", [](at::Tensor& t, double v) { t.narrow(3, 0, 35).fill_(v), t.narrow(3, width - 35, 35).fill_(v); }},
      {"inset", [](at::Tensor& t, double v) { t.narrow(2, 101, 80).narrow(3, 133, 110).fill_(v); }}};
  for (const auto& [name, cover] : covers)
    for (const auto& [level, own] : {std::pair{20.0, 0.0}, {20.0, 1.0}, {5.0, 0.0}, {5.0, 1.0}})
      for (const auto& [shade, format] : {std::pair{-1.0, "RGB"}, {-1.0, "I420"}, {-0.5, "RGB"}}) {
        auto truth = clean.clone(), sigma = at::full_like(clean, level);
        cover(truth, shade);
        cover(sigma, own);
        NoiseModel model;
        for (std::uint64_t frame = 0; frame < 2; ++frame) {
          const auto noisy = to_codes(truth + sigma * 2 / 255 * noise({1, 3, height, width}, 80 + frame));
          EXPECT_NEAR(level_of(model, noisy, oracle(truth), format), level, std::max(0.5, 0.1 * level))
              << name << shade << format << own << frame;
        }
      }
}

// Of a sensor: more noise where there is more light. The map says how much.
TEST(NoiseModel, LearnsHowNoiseDependsOnBrightness) {
  const auto clean = at::linspace(-0.9, 0.9, width).reshape({1, 1, 1, width}).expand({1, 3, height, width});
  const auto sigma = (2 + 7 * (clean + 0.9)) * 2 / 255;  // 2 to 14.6
  NoiseModel model;
  at::Tensor noisy;
  for (std::uint64_t frame = 0; frame < 6; ++frame) {
    noisy = to_codes(clean + sigma * noise({1, 3, height, width}, 90 + frame));
    level_of(model, noisy, oracle(clean));
  }
  const auto map = model.map(noisy);
  ASSERT_TRUE(map.defined());
  const auto ratio = (map / sigma.narrow(1, 0, 1)).narrow(3, 16, width - 32);
  EXPECT_LT((ratio.mean(2) - 1).abs().max().item<double>(), 0.35);
  EXPECT_NEAR(ratio.mean().item<double>(), 1, 0.12);
}

TEST(BrightnessCurve, IsFlatUntilItHasLearnt) {
  BrightnessCurve curve;
  EXPECT_FALSE(curve.matters());
  EXPECT_EQ(curve.factor(at::zeros({1, 3, 16, 16})).ne(1).sum().item<std::int64_t>(), 0);
  OwnNoise seen{1, 1, {}};
  seen.by_brightness[2] = 0.5, seen.by_brightness[6] = 1.5;
  curve.learn(seen, seen);
  EXPECT_TRUE(curve.matters());
  const auto factor = curve.factor(at::linspace(-1, 1, 64).reshape({1, 1, 1, 64}).expand({1, 3, 16, 64}));
  EXPECT_NEAR(factor.min().item<double>(), 0.5, 1e-6);
  EXPECT_NEAR(factor.max().item<double>(), 1.5, 1e-6);
}

}  // namespace
}  // namespace reddiff
