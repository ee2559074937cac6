// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is guessed before anything is solved: the noise level, and what is behind holes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/frame/convert.h"
#include "core/frame/fill_holes.h"
#include "core/frame/luma.h"
#include "core/frame/noise_estimate.h"
#include "core/frame/noise_model.h"
#include "core/frame/noise_track.h"
#include "tests/core/sample_frame.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

TEST(NoiseEstimate, IsRightOnWhiteNoise) {
  for (double sigma : {0.02, 0.2, 0.7})
    EXPECT_NEAR(estimate_noise(sigma * noise({1, 3, 512, 512}, 3)).white(), sigma, 0.03 * sigma);
}

// Of a large picture some of the blocks are asked.
TEST(NoiseEstimate, IsRightOnLargePictures) {
  for (const auto& [height, width] : {std::pair{730, 1290}, {1104, 1960}})
    EXPECT_NEAR(estimate_noise(0.1 * noise({1, 1, height, width}, 5)).white(), 0.1, 0.003);
}

TEST(NoiseEstimate, SeesThroughAScene) {
  const auto picture = scene(192, 256, 8);
  for (double code_values : {5.0, 10.0, 25.0, 50.0}) {
    const double sigma = code_values * 2 / 255;
    const double estimate = estimate_noise(picture + sigma * noise({1, 3, 192, 256}, 4)).white();
    EXPECT_NEAR(estimate, sigma, std::max(0.1 * sigma, 1.0 / 255)) << code_values;
  }
}

// What an 8-bit camera makes of it: clipped and rounded. Dark and bright scenes lose half of their noise to the ends of the scale.
TEST(NoiseEstimate, SeesThroughClipping) {
  for (double shade : {-0.6, 0.0, 0.6}) {
    const auto picture = (scene(192, 256, 8) * 0.4 + shade).clamp(-1, 1);
    for (double code_values : {2.0, 5.0, 10.0, 15.0, 25.0, 35.0, 50.0}) {
      const double sigma = code_values * 2 / 255;
      const auto seen = (picture + sigma * noise({1, 3, 192, 256}, 4)).clamp(-1, 1);
      const double found = estimate_noise((seen * 127.5 + 127.5).round() / 127.5 - 1).white() * 255 / 2;
      EXPECT_NEAR(found, code_values, std::max(0.1 * code_values, 0.5)) << shade;
    }
  }
}

// As much in each plane, as ffmpeg's filter `noise` makes it: more in the picture's colours, and softer there.
TEST(NoiseEstimate, FindsNoiseThatIsAlikeInHalvedPlanes) {
  for (const double level : {3., 8., 20.}) {
    NoiseModel model;
    for (std::uint64_t time = 0; time < 3; ++time) {
      Frame frame(format_named("I420"), 256, 192, 1);
      write_picture(scene(192, 256, 8) * 0.6, {}, frame.view);
      const auto clean = read_picture(frame.view, at::kCPU);
      const auto field = noise({3, 192, 256}, 80 + time) * level;
      const auto values = field.accessor<float, 3>();
      frame.for_each([&](int i, const Component& c, int x, int y) {
        const long code = std::lround(static_cast<float>(Frame::code(c, x, y)) + values[i][y][x]);
        Frame::set_code(c, x, y, static_cast<int>(std::clamp(code, 0L, 255L)));
      });
      const auto noisy = read_picture(frame.view, at::kCPU);
      const double own = rms(noisy - clean) * 255 / 2;
      const Denoise oracle = [&](const at::Tensor& u, double) {
        const auto times = clean.size(3) / u.size(3);
        return times == 1 ? clean.clone() : at::avg_pool2d(clean, {times, times});
      };
      EXPECT_GT(model.update(frame.view, noisy, {}, oracle) * 255 / 2, own) << level;
      EXPECT_NEAR(model.rms() * 255 / 2, own, 0.25 * own) << level;
    }
  }
}

// Noise that was white in R'G'B' is found as it was, whatever the planes it went through; noise of luma alone has its own root mean
// square, and the density of white noise that is as strong in luma.
TEST(NoiseEstimate, SeesThroughSubsampledChroma) {
  const auto picture = scene(192, 256, 8) * 0.5;
  const auto white = noise({1, 3, 192, 256}, 4), grey = noise({1, 1, 192, 256}, 5).expand({1, 3, 192, 256});
  for (const char* name : {"I420", "Y42B", "Y444", "I420_10LE", "RGB"})
    for (const auto& field : {white, grey})
      for (double code_values : {5.0, 15.0, 30.0}) {
        Frame frame(format_named(name), 256, 192, 1);
        write_picture(picture + code_values * 2 / 255 * field, {}, frame.view);
        const auto estimate = estimate_noise(noise_planes(frame.view, read_picture(frame.view, at::kCPU)));
        const bool luma_only = field.equal(grey);
        EXPECT_NEAR(estimate.mean_if_white * 255 / 2, code_values, 0.15 * code_values) << name << luma_only;
        // White noise that is as dense in luma has that much in every channel.
        const double density =
            luma_only ? code_values / std::sqrt(luma_of(frame.view, read_picture(frame.view, at::kCPU)).power)
                      : code_values;
        EXPECT_NEAR(estimate.white() * 255 / 2, density, 0.15 * density) << name << luma_only;
      }
}

// A logo with little noise of its own says nothing of the video's, when it is known to hide it.
TEST(NoiseEstimate, DoesNotLookAtMissingPixels) {
  constexpr double code_values = 10;
  auto known = at::ones({1, 1, 192, 256});
  known.narrow(2, 20, 60).narrow(3, 30, 150).zero_();
  const auto field = noise({1, 3, 192, 256}, 4) * (code_values * 2 / 255);
  const auto holed = scene(192, 256, 8) * 0.5 + field * (known * 0.9 + 0.1);
  for (const char* name : {"RGB", "I420"}) {
    Frame frame(format_named(name), 256, 192, 1);
    write_picture(holed, {}, frame.view);
    const auto seen = read_picture(frame.view, at::kCPU);
    EXPECT_NEAR(estimate_noise(noise_planes(frame.view, seen, known)).white() * 255 / 2, code_values,
                0.15 * code_values)
        << name;
    EXPECT_LT(estimate_noise(noise_planes(frame.view, seen)).white() * 255 / 2, 0.6 * code_values) << name;
    EXPECT_EQ(estimate_noise(noise_planes(frame.view, seen, at::zeros_like(known))).white(), 0) << name;
  }
}

// Other ways of solving begin at the border: an estimate that scatters around it stays on the side it was.
TEST(NoiseTrack, CrossesTheBorderOnlyByAFifth) {
  NoiseTrack track(10);
  for (const double estimate : {9., 11., 10.5, 10.5, 10.5}) EXPECT_LT(track.update(estimate), 10) << estimate;
  EXPECT_GT(track.update(20), 10);
  NoiseTrack from_above(10);
  for (const double estimate : {11., 9., 9.5, 9.5, 9.5}) EXPECT_GT(from_above.update(estimate), 10) << estimate;
  for (int i = 0; i < 20; ++i) from_above.update(8);
  EXPECT_LT(from_above.update(8), 8.5);
}

TEST(NoiseTrack, AveragesAndFollowsJumps) {
  NoiseTrack track(1);
  EXPECT_DOUBLE_EQ(track.update(10), 10);
  double level = 0;
  for (int i = 0; i < 20; ++i) level = track.update(i % 2 ? 11 : 9);
  EXPECT_NEAR(level, 10, 0.2);
  EXPECT_DOUBLE_EQ(track.update(20), 20);
  EXPECT_DOUBLE_EQ(track.update(0), 0);
  EXPECT_DOUBLE_EQ(track.update(10), 10);
  track.update(12);
  track.restart();
  EXPECT_NEAR(track.update(12), 12, 1e-9);
}

TEST(NoiseEstimate, FindsNoneInFlatAndTinyPictures) {
  EXPECT_EQ(estimate_noise(at::full({1, 3, 64, 64}, 0.3)).white(), 0);
  EXPECT_EQ(estimate_noise(noise({1, 3, 8, 64}, 1)).white(), 0);
  EXPECT_LT(estimate_noise(at::linspace(-1, 1, 64).reshape({1, 1, 1, 64}).expand({1, 3, 64, 64}).contiguous()).white(),
            1e-3);
}

at::Tensor random_mask(std::int64_t height, std::int64_t width, double known, std::uint64_t seed) {
  return (at::special_ndtr(noise({1, 1, height, width}, seed)) < known).to(at::kFloat);
}

TEST(FillHoles, KeepsWhatIsKnownAtEverySize) {
  for (auto [height, width] : {std::pair{1, 1}, {1, 7}, {5, 3}, {33, 18}, {64, 48}}) {
    const auto picture = noise({2, 3, height, width}, 2);
    const auto known = random_mask(height, width, 0.5, 5).expand({2, 1, height, width});
    const auto filled = fill_holes(picture, known);
    EXPECT_TRUE(filled.isfinite().all().item<bool>());
    EXPECT_EQ(((filled - picture) * known).abs().max().item<double>(), 0) << height << "x" << width;
    EXPECT_TRUE(fill_holes(picture, at::ones_like(known)).equal(picture));
    EXPECT_EQ(fill_holes(picture, at::zeros_like(known)).abs().max().item<double>(), 0);
  }
}

TEST(FillHoles, FindsARampAndComesCloseToAScene) {
  const auto ramp = at::linspace(-1, 1, 96).reshape({1, 1, 1, 96}).expand({1, 3, 64, 96}).contiguous();
  const auto scattered = random_mask(64, 96, 0.5, 6);
  EXPECT_LT((fill_holes(ramp, scattered) - ramp).abs().max().item<double>(), 0.02);
  const auto picture = scene(64, 96, 3);
  const auto missing = (1 - scattered).expand({1, 3, 64, 96}).to(at::kBool);
  const auto filled = fill_holes(picture * scattered, scattered);
  const double spread = rms(picture - picture.mean());
  EXPECT_LT(rms((filled - picture).masked_select(missing)), 0.15 * spread);
}

TEST(FillHoles, DoesNotLookBehindTheMask) {
  const auto known = random_mask(32, 32, 0.7, 7);
  const auto a = scene(32, 32, 1), b = at::where(known > 0, a, noise({1, 3, 32, 32}, 2));
  EXPECT_TRUE(fill_holes(a, known).equal(fill_holes(b, known)));
}

}  // namespace
}  // namespace reddiff
