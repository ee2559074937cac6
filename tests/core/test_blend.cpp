// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What of the input is shown: chroma on its own (`chroma_strength` beside `strength`), or the left part of it (`compared`).
#include "core/frame/blend.h"
#include "core/frame/luma.h"
#include "tests/core/engine_helpers.h"

namespace reddiff {
namespace {

std::unique_ptr<Frame> restored(const std::string& format, const Config& config, double strength,
                                double chroma_strength) {
  const int scale = resolve_scale(config);
  const auto engine = engine_of(config);
  const FrameOptions options{.strength = strength, .chroma_strength = chroma_strength, .noise = config.noise};
  return restore(*engine, *moving_frame(0, 0.2, width, height, format.c_str()), scale, options, format.c_str()).frame;
}

int worst_difference(Frame& a, Frame& b, bool luma) {
  int worst = 0;
  a.for_each([&](int i, const Component& c, int x, int y) {
    if (luma == (i == 0))
      worst = std::max(worst, std::abs(Frame::code(c, x, y) - Frame::code(b.view.component[i], x, y)));
  });
  return worst;
}

// Of Y'CbCr the planes themselves say it.
TEST(Blend, ChromaStrengthLeavesLumaAlone) {
  const Config configs[] = {{.noise = 25}, {.task = Task::super_resolution, .noise = 2}};
  for (const char* format : {"I420", "Y444"})
    for (const Config& config : configs)
      for (const double strength : {1., 0.5}) {
        const auto whole = restored(format, config, strength, 1), none = restored(format, config, strength, 0),
                   plain = restored(format, config, 0, 1), half = restored(format, config, strength, 0.5);
        EXPECT_GT(worst_difference(*whole, *plain, true), 3) << format;
        EXPECT_GT(worst_difference(*whole, *plain, false), 1) << format;
        for (Frame* frame : {none.get(), half.get()}) EXPECT_LE(worst_difference(*frame, *whole, true), 1) << format;
        EXPECT_LE(worst_difference(*none, *plain, false), 1) << format;
        half->for_each([&](int i, const Component& c, int x, int y) {
          const auto code = [&](Frame& frame) { return Frame::code(frame.view.component[i], x, y); };
          if (i == 0) return;
          EXPECT_NEAR(Frame::code(c, x, y), (code(*whole) + code(*plain)) / 2., 1.6);
        });
      }
}

// R'G'B' has the luma of BT.709.
TEST(Blend, ChromaStrengthOfRgb) {
  const Config config{.noise = 25};
  const auto whole = read(*restored("RGB", config, 1, 1)), none = read(*restored("RGB", config, 1, 0)),
             plain = read(*restored("RGB", config, 0, 1));
  const auto luma = [](const at::Tensor& picture) { return luma_of(ColorMatrix{}, picture); };
  const auto inside = (none.abs() < 1).all(1, true);  // a code value at the end may have been clipped
  EXPECT_GT(rms(luma(whole) - luma(plain)), 0.03);
  EXPECT_LT(((luma(none) - luma(whole)) * inside).abs().max().item<double>(), 2.1 / 255);
  EXPECT_LT((((none - luma(none)) - (plain - luma(plain))) * inside).abs().max().item<double>(), 4.2 / 255);
}

// Gray video has none; full strength is what it was, to the bit.
TEST(Blend, ChromaThatIsNotThereCannotBeBlended) {
  const Config config{.noise = 25};
  EXPECT_EQ(restored("GRAY8", config, 1, 0)->words, restored("GRAY8", config, 1, 1)->words);
}

// Of every frame: what is remembered is not what is shown.
TEST(Blend, ComparedIsTheInputLeftOfALine) {
  const Config configs[] = {{.noise = 25}, {.task = Task::super_resolution, .noise = 2}};
  for (const char* format : {"RGB", "Y444", "I420", "NV21", "Y42B", "UYVY", "I420_10LE", "P010_10LE"})
    for (const Config& config : configs) {
      const int scale = resolve_scale(config), columns = width * scale;
      const bool is_rgb = format == std::string("RGB");
      const auto whole = engine_of(config), split = engine_of(config), plain = engine_of(config);
      for (int time = 0; time < 3; ++time) {
        const auto frame = moving_frame(time, 0.2, width, height, format);
        const auto shown = [&](Engine& engine, const FrameOptions& options) {
          return restore(engine, *frame, scale, options, format).frame;
        };
        const auto restored = shown(*whole, {.noise = config.noise}), input = shown(*plain, {.strength = 0});
        const auto both = shown(*split, {.compared = 0.25, .noise = config.noise});
        EXPECT_NE(restored->words, input->words);
        both->for_each([&](int i, const Component& c, int x, int y) {
          const int step = (columns + c.width - 1) / c.width, from_line = x * step - columns / 4;
          if (step > 1 && std::abs(from_line) <= 2) return;  // a value of both sides and the line
          const Frame& expected = from_line < 0 ? *input : *restored;
          const int code = from_line != 0     ? Frame::code(expected.view.component[i], x, y)
                           : i > 0 && !is_rgb ? 1 << (c.depth - 1)
                                              : (is_rgb ? 255 : 235) << (c.depth - 8);
          ASSERT_EQ(Frame::code(c, x, y), code) << format << time << " component " << i << " at " << x << ',' << y;
        });
      }
    }
}

TEST(Blend, NothingOrAllOfTheInputIsComparedWithoutALine) {
  const auto plain = noise({1, 3, 4, 6}, 1), restored = noise({1, 3, 4, 6}, 2);
  for (const double none : {0., 0.05}) EXPECT_TRUE(compared(plain, restored, none).equal(restored));
  for (const double all : {0.95, 1.}) EXPECT_TRUE(compared(plain, restored, all).equal(plain));
}

TEST(Blend, WhatWasMissingKeepsTheColourItWasGiven) {
  const auto plain = noise({1, 3, 4, 6}, 1), restored = noise({1, 3, 4, 6}, 2);
  auto known = at::ones({1, 1, 4, 6});
  known.narrow(3, 0, 2).zero_();
  const auto mixed = chroma_blended(plain, restored, known, {}, 0.3);
  EXPECT_TRUE(mixed.narrow(3, 0, 2).equal(restored.narrow(3, 0, 2)));
  EXPECT_FALSE(mixed.narrow(3, 2, 4).allclose(restored.narrow(3, 2, 4)));
  EXPECT_TRUE(luma_of(ColorMatrix{}, mixed).allclose(luma_of(ColorMatrix{}, restored), 1e-5, 1e-5));
}

}  // namespace
}  // namespace reddiff
