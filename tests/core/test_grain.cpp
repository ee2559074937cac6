// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a user sees of the restoration itself: figures in a corner, grain that is put back.
#include "core/frame/chroma.h"
#include "core/frame/grain.h"
#include "core/frame/luma.h"
#include "core/frame/overlay.h"
#include "tests/core/engine_helpers.h"

namespace reddiff {
namespace {

TEST(Overlay, TouchesItsCornerAlone) {
  for (const Format& format : formats()) {
    const auto drawn = drawn_lines({"noise   25.00"}, 1);
    Frame before(format, 161, 75, 7), after(format, 161, 75, 7);
    before.fill_codes(3), after.fill_codes(3);
    draw_overlay({"noise   25.00"}, after.view, at::kCPU);
    int differ = 0;
    before.for_each([&](int i, const Component& c, int x, int y) {
      const int across = c.width < 161 ? 2 : 1, down = c.height < 75 ? 2 : 1;
      const bool same = Frame::code(c, x, y) == Frame::code(after.view.component[i], x, y);
      if (x * across >= drawn.size(3) || y * down >= drawn.size(2)) {
        EXPECT_TRUE(same) << format.name << x << ',' << y;
      }
      differ += !same;
    });
    EXPECT_GT(differ, 500) << format.name;
  }
}

TEST(Overlay, LeavesWhatIsRememberedAsItIs) {
  const auto drawn = engine_of({.noise = 25}), plain = engine_of({.noise = 25});
  for (int time = 0; time < 3; ++time) {
    const auto frame = moving_frame(time, 0.2, 160, 96);
    const auto with = restore(*drawn, *frame, 1, {.overlay = 3, .noise = 25});
    const auto without = restore(*plain, *frame, 1, {.noise = 25});
    const auto below = [](Frame& f) { return read(f).narrow(2, 40, 56); };
    EXPECT_TRUE(below(*with.frame).equal(below(*without.frame)));
    EXPECT_NE(with.frame->words, without.frame->words);
  }
}

TEST(Grain, HasTheLevelOfTheNoiseAndRepeats) {
  for (const char* format : {"RGB", "Y444", "GRAY8"}) {
    const auto one = engine_of({.noise = 20}), two = engine_of({.noise = 20}), none = engine_of({.noise = 20});
    const auto still = moving_frame(0, 0.15, 160, 96, format);
    at::Tensor first;
    for (int time = 0; time < 2; ++time) {
      const auto a = restore(*one, *still, 1, {.grain = 1, .noise = 20}, format).frame;
      EXPECT_EQ(a->words, restore(*two, *still, 1, {.grain = 1, .noise = 20}, format).frame->words);
      const auto plain = restore(*none, *still, 1, {.noise = 20}, format).frame;
      const auto inside = (read(*plain).abs() < 0.4).to(at::kFloat);
      const auto added = (read(*a) - read(*plain)) * inside;
      const double level = std::sqrt((added.square().sum() / inside.sum()).item<double>());
      EXPECT_NEAR(level, level_to_core(20), 0.1 * level_to_core(20)) << format;
      if (first.defined()) {
        EXPECT_FALSE(added.equal(first));
      }
      first = added;
    }
  }
}

// Correlated noise: the grain has its spectrum, neighbours are as alike as in the noise.
TEST(Grain, HasTheSpectrumOfTheNoise) {
  const Frame frame(format_named("RGB"), 128, 96, 1);
  const auto unit = noise({1, 3, 96, 128}, 3);
  const auto blurred = [](const at::Tensor& x) { return at::avg_pool2d(x, 3, 1, 1); };
  const auto alike = [](const at::Tensor& x) {
    return ((x.narrow(3, 1, 127) * x.narrow(3, 0, 127)).mean() / x.square().mean()).item<double>();
  };
  const auto coloured = blurred(noise({1, 3, 96, 128}, 4));
  const auto pieces = coloured.unfold(2, 32, 32).unfold(3, 32, 32).permute({0, 2, 3, 1, 4, 5}).reshape({-1, 3, 32, 32});
  const NoiseSpectrum spectrum(power_of(pieces.contiguous()));
  const auto grained = grain({.rms = 0.1, .spectrum = &spectrum}, frame.view, unit);
  EXPECT_NEAR(rms(grained), 0.1, 0.01);
  EXPECT_NEAR(alike(grained), alike(coloured), 0.1);
  EXPECT_LT(alike(grain({.rms = 0.1}, frame.view, unit)), 0.1);
}

// Each plane of a frame with halved chroma has its own level, as the frame is written: of the chroma that is stored.
TEST(Grain, HasTheLevelOfEachPlane) {
  const Frame frame(format_named("I420"), 128, 96, 1);
  const std::array<double, 3> levels = {0.1, 0.05, 0.02};
  const auto grained =
      grain({.rms = 0.1, .of_planes = levels, .by_planes = true}, frame.view, noise({1, 3, 96, 128}, 3));
  const auto luma = luma_of(frame.view.matrix, grained);
  EXPECT_NEAR(rms(luma), levels[0], 0.01 * levels[0]);
  const double kb = frame.view.matrix.kb, kr = frame.view.matrix.kr;
  const auto stored = [&](std::int64_t channel, double k) {
    const auto chroma = (grained.narrow(1, channel, 1) - luma) / (2 * (1 - k));
    const auto halved =
        downsample_chroma(downsample_chroma(chroma, 2, frame.view.chroma_cosited_y), 3, frame.view.chroma_cosited_x);
    return rms(halved);
  };
  EXPECT_NEAR(stored(2, kb), levels[1], 0.05 * levels[1]);
  EXPECT_NEAR(stored(0, kr), levels[2], 0.05 * levels[2]);
}

// A map of the level, as of a camera whose noise grows with brightness: grain is where the noise was.
TEST(Grain, FollowsTheLevelByPlace) {
  const Frame frame(format_named("RGB"), 128, 96, 1);
  const auto dark = at::full({1, 1, 48, 128}, 0.02), bright = at::full({1, 1, 48, 128}, 0.08);
  const auto map = at::cat({dark, bright}, 2);
  const auto grained = grain({.rms = rms(map), .map = map}, frame.view, noise({1, 3, 96, 128}, 3));
  EXPECT_NEAR(rms(grained.narrow(2, 0, 48)), 0.02, 0.001);
  EXPECT_NEAR(rms(grained.narrow(2, 48, 48)), 0.08, 0.002);
}

// A frame without noise gets none, and none is asked for by default: bytes are those without the property.
TEST(Grain, IsNoneWithoutNoise) {
  const auto with = engine_of({.noise = 0}), without = engine_of({.noise = 0});
  const auto frame = moving_frame(0, 0, 160, 96);
  EXPECT_EQ(restore(*with, *frame, 1, {.grain = 1, .noise = 0}).frame->words,
            restore(*without, *frame, 1, {.noise = 0}).frame->words);
}

}  // namespace
}  // namespace reddiff
