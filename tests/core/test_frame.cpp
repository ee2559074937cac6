// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "core/api/error.h"
#include "core/api/frame_view.h"
#include "core/frame/chroma.h"
#include "core/frame/convert.h"
#include "core/frame/convert_by_steps.h"
#include "sample_frame.h"

namespace reddiff {
namespace {

constexpr struct { int width, height; } sizes[] = {{1, 1}, {130, 2}, {5, 3}, {2, 7}, {34, 18}};

// ---- validate

TEST(Validate, AcceptsEveryFormat) {
  for (const Format& format : formats())
    for (auto [width, height] : sizes) {
      Frame frame(format, width, height, 1);
      EXPECT_NO_THROW(validate(frame.view)) << format.name << " " << width << "x" << height;
    }
}

TEST(Validate, RefusesWhatCannotBe) {
  struct Case {
    const char* what;
    std::function<void(FrameView&)> spoil;
  };
  constexpr auto lowest = std::numeric_limits<std::ptrdiff_t>::min();
  constexpr auto highest = std::numeric_limits<std::ptrdiff_t>::max();
  const Case cases[] = {
      {"no width", [](FrameView& f) { f.width = 0; }},
      {"negative height", [](FrameView& f) { f.height = -4; }},
      {"huge", [](FrameView& f) { f.width = f.component[0].width = 32769; }},
      {"model", [](FrameView& f) { f.model = static_cast<ColorModel>(7); }},
      {"device", [](FrameView& f) { f.device_index = -2; }},
      {"stream of no device", [](FrameView& f) { f.stream = &f; }},
      {"matrix", [](FrameView& f) { f.matrix.kr = std::nan(""); }},
      {"matrix sum",
       [](FrameView& f) {
         f.matrix = {0.6, 0.4};
       }},
      {"luma size", [](FrameView& f) { f.component[0].width = 9; }},
      {"chroma width rounded down", [](FrameView& f) { f.component[1].width = 8; }},
      {"chroma height", [](FrameView& f) { f.component[2].height = 4; }},
      {"chroma planes differ", [](FrameView& f) { f.component[2].width = 17; }},
      {"no data", [](FrameView& f) { f.component[1].data = nullptr; }},
      {"word", [](FrameView& f) { f.component[1].word_bytes = 4; }},
      {"depth", [](FrameView& f) { f.component[1].depth = 7; }},
      {"depth of the word", [](FrameView& f) { f.component[1].depth = 16, f.component[1].shift = 6; }},
      {"shift", [](FrameView& f) { f.component[1].shift = -1; }},
      {"row overlap", [](FrameView& f) { f.component[0].row_stride = 32; }},
      {"row overlap upwards", [](FrameView& f) { f.component[0].row_stride = -32; }},
      {"zero row", [](FrameView& f) { f.component[0].row_stride = 0; }},
      {"least row", [](FrameView& f) { f.component[0].row_stride = lowest; }},
      {"most row", [](FrameView& f) { f.component[0].row_stride = highest - 1; }},
      {"pixel overlap", [](FrameView& f) { f.component[0].pixel_stride = 0; }},
      {"negative pixel", [](FrameView& f) { f.component[0].pixel_stride = -2; }},
      {"most pixel", [](FrameView& f) { f.component[0].pixel_stride = highest - 1; }},
      {"odd address", [](FrameView& f) { f.component[0].data = static_cast<char*>(f.component[0].data) + 1; }},
      {"odd row", [](FrameView& f) { f.component[0].row_stride += 1; }},
      {"odd pixel", [](FrameView& f) { f.component[2].pixel_stride += 1; }},
      {"missing alpha", [](FrameView& f) { f.has_alpha = true; }},
  };
  for (const Case& c : cases) {
    Frame frame(format_named("I420_10LE"), 17, 9, 1);
    c.spoil(frame.view);
    try {
      validate(frame.view);
      ADD_FAILURE() << c.what << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::format) << c.what;
      EXPECT_EQ(std::string(error.what()).back(), '.') << error.what();
    }
    EXPECT_THROW(read_picture(frame.view, at::kCPU), Error) << c.what;
  }
}

// ---- chroma

at::Tensor random_chroma(std::int64_t n, std::int64_t dim) {
  at::Tensor c = at::empty(dim == 2 ? at::IntArrayRef{1, 2, n, 3} : at::IntArrayRef{1, 2, 3, n});
  std::mt19937 random(7);
  for (std::int64_t i = 0; i < c.numel(); ++i) c.data_ptr<float>()[i] = static_cast<float>(random() % 2001) / 1000 - 1;
  return c;
}

TEST(Chroma, DownsamplingUndoesUpsampling) {
  for (std::int64_t length = 1; length <= 9; ++length)
    for (std::int64_t dim : {2, 3})
      for (bool cosited : {false, true}) {
        const at::Tensor c = random_chroma((length + 1) / 2, dim);
        const at::Tensor up = upsample_chroma(c, dim, length, cosited);
        EXPECT_EQ(up.size(dim), length);
        EXPECT_LT((downsample_chroma(up, dim, cosited) - c).abs().max().item<float>(), 1e-6)
            << length << " " << cosited;
      }
}

TEST(Chroma, ConstantsStayConstant) {
  for (std::int64_t length = 1; length <= 9; ++length)
    for (bool cosited : {false, true}) {
      const at::Tensor up = upsample_chroma(at::full({1, 1, 2, (length + 1) / 2}, 0.25), 3, length, cosited);
      EXPECT_LT((up - 0.25).abs().max().item<float>(), 1e-6);
      EXPECT_LT((downsample_chroma(up, 3, cosited) - 0.25).abs().max().item<float>(), 1e-6);
    }
}

TEST(Chroma, RampsAreExactInside) {
  for (bool cosited : {false, true}) {
    const at::Tensor luma_places = at::arange(24, at::kFloat).view({1, 1, 1, 24});
    const at::Tensor places = at::arange(0, 24, 2, at::kFloat).view({1, 1, 1, 12}) + (cosited ? 0.0 : 0.5);
    const at::Tensor up = upsample_chroma(places, 3, 24, cosited);
    EXPECT_LT((up - luma_places).narrow(3, 4, 16).abs().max().item<float>(), 1e-5) << cosited;
    const at::Tensor down = downsample_chroma(luma_places, 3, cosited);
    EXPECT_LT((down - places).narrow(3, 2, 8).abs().max().item<float>(), 1e-5) << cosited;
  }
}

// ---- values

TEST(Read, KnownCodesOfRgb) {
  Frame frame(format_named("BGRx"), 2, 1, 1);
  const int codes[2][3] = {{0, 255, 51}, {255, 102, 0}};
  for (int x = 0; x < 2; ++x)
    for (int i = 0; i < 3; ++i) Frame::set_code(frame.view.component[i], x, 0, codes[x][i]);
  const at::Tensor picture = read_picture(frame.view, at::kCPU);
  ASSERT_EQ(picture.sizes(), (at::IntArrayRef{1, 3, 1, 2}));
  for (int x = 0; x < 2; ++x)
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(picture[0][i][0][x].item<double>(), codes[x][i] / 127.5 - 1, 1e-6);
}

// The 100 % colour bars of BT.709 and BT.601, limited range, as the standards print them.
TEST(Read, KnownCodesOfColorBars) {
  struct Bar {
    ColorMatrix matrix;
    int code[3];
    double rgb[3];
  };
  const ColorMatrix bt709{0.2126, 0.0722}, bt601{0.299, 0.114};
  const Bar bars[] = {{bt709, {16, 128, 128}, {-1, -1, -1}}, {bt709, {235, 128, 128}, {1, 1, 1}},
                      {bt709, {63, 102, 240}, {1, -1, -1}},  {bt709, {173, 42, 26}, {-1, 1, -1}},
                      {bt601, {81, 90, 240}, {1, -1, -1}},   {bt601, {41, 240, 110}, {-1, -1, 1}}};
  for (const Bar& bar : bars)
    for (const char* name : {"Y444", "I420", "P010_10LE"}) {
      Frame frame(format_named(name), 4, 4, 1);
      frame.view.matrix = bar.matrix;
      const int unit = 1 << (frame.view.component[0].depth - 8);
      frame.for_each([&](int i, const Component& c, int x, int y) { Frame::set_code(c, x, y, bar.code[i] * unit); });
      const at::Tensor picture = read_picture(frame.view, at::kCPU);
      for (int i = 0; i < 3; ++i) {
        EXPECT_NEAR(picture[0][i].min().item<double>(), bar.rgb[i], 0.015) << name << i;
        EXPECT_NEAR(picture[0][i].max().item<double>(), bar.rgb[i], 0.015) << name << i;
      }
    }
}

TEST(Read, FullRangeChromaSpansTheWord) {
  Frame frame(format_named("Y444"), 1, 1, 1);
  frame.view.full_range = true;
  frame.view.matrix = {0.299, 0.114};
  const int codes[] = {76, 85, 255};  // JPEG's red
  for (int i = 0; i < 3; ++i) Frame::set_code(frame.view.component[i], 0, 0, codes[i]);
  const at::Tensor rgb = read_picture(frame.view, at::kCPU).flatten();
  EXPECT_NEAR(rgb[0].item<double>(), 1, 0.01);
  EXPECT_NEAR(rgb[1].item<double>(), -1, 0.01);
  EXPECT_NEAR(rgb[2].item<double>(), -1, 0.01);
}

TEST(Read, GrayRepeatsAndWritesItsMean) {
  Frame frame(format_named("GRAY8"), 3, 2, 1);
  frame.fill_codes(3);
  const at::Tensor picture = read_picture(frame.view, at::kCPU);
  EXPECT_TRUE(picture.select(1, 0).equal(picture.select(1, 2)));
  at::Tensor colored = at::zeros({1, 3, 2, 3});
  colored.select(1, 0).fill_(0.6);
  write_picture(colored, {}, frame.view);
  EXPECT_EQ(Frame::code(frame.view.component[0], 2, 1), 153);  // (0.2 + 1) * 127.5
}

TEST(Read, BottomUpRows) {
  for (const char* name : {"RGB", "I420", "P010_10LE"}) {
    Frame frame(format_named(name), 6, 4, 5);
    frame.fill_codes(5);
    const at::Tensor upright = read_picture(frame.view, at::kCPU);
    FrameView turned = frame.view;
    for (int i = 0; i < 3; ++i) {
      Component& c = turned.component[i];
      c.data = Frame::sample(c, 0, c.height - 1);
      c.row_stride = -c.row_stride;
    }
    const at::Tensor upside_down = read_picture(turned, at::kCPU);
    EXPECT_LT((upside_down.flip({2}) - upright).abs().max().item<float>(), 1e-5) << name;
    const auto before = frame.words;
    write_picture(upside_down, {}, turned);
    write_picture(upright, {}, frame.view);
    EXPECT_EQ(frame.words, before) << name;
    write_picture(upright, {}, turned);
    EXPECT_LT((read_picture(frame.view, at::kCPU).flip({2}) - upright).abs().max().item<float>(), 1e-5) << name;
  }
}

// ---- round trip

int largest_difference(Frame& a, Frame& b) {
  int largest = 0;
  a.for_each([&](int i, const Component& c, int x, int y) {
    largest = std::max(largest, std::abs(Frame::code(c, x, y) - Frame::code(b.view.component[i], x, y)));
  });
  return largest;
}

TEST(RoundTrip, GivesTheSameCodes) {
  const ColorMatrix matrices[] = {{0.2126, 0.0722}, {0.299, 0.114}, {0.2627, 0.0593}};
  for (const Format& format : formats())
    for (auto [width, height] : sizes)
      for (bool full_range : {true, false})
        for (int siting = 0; siting < 4; ++siting) {
          Frame in(format, width, height, 1), out(format, width, height, 2);
          for (FrameView* view : {&in.view, &out.view}) {
            view->matrix = matrices[(width + siting) % 3];
            view->full_range = full_range;
            view->chroma_cosited_x = siting & 1;
            view->chroma_cosited_y = siting & 2;
          }
          in.fill_codes(static_cast<std::uint32_t>(100 + width));
          write_picture(read_picture(in.view, at::kCPU), read_alpha(in.view, at::kCPU), out.view);
          EXPECT_EQ(largest_difference(in, out), 0)
              << format.name << " " << width << "x" << height << " full " << full_range << " siting " << siting;
        }
}

TEST(Write, TouchesNothingButSamples) {
  for (const Format& format : formats())
    for (auto [width, height] : sizes) {
      Frame in(format, width, height, 1), out(format, width, height, 2), untouched(format, width, height, 2);
      in.fill_codes(11);
      write_picture(read_picture(in.view, at::kCPU), {}, out.view);
      out.for_each([&](int i, const Component& c, int x, int y) {
        std::memcpy(Frame::sample(c, x, y), Frame::sample(untouched.view.component[i], x, y),
                    static_cast<std::size_t>(c.word_bytes));
      });
      EXPECT_EQ(out.words, untouched.words) << format.name << " " << width << "x" << height;
    }
}

TEST(Write, RoundsAndClips) {
  Frame rgb(format_named("RGB"), 5, 1, 1);
  const float values[] = {-3, 3, 0.0036f, -1 + 0.6f / 127.5f, -1 + 0.4f / 127.5f};
  at::Tensor picture = at::zeros({1, 3, 1, 5});
  for (int x = 0; x < 5; ++x) picture.select(3, x).fill_(values[x]);
  write_picture(picture, {}, rgb.view);
  const int expected[] = {0, 255, 128, 1, 0};
  for (int x = 0; x < 5; ++x) EXPECT_EQ(Frame::code(rgb.view.component[2], x, 0), expected[x]) << x;

  for (const char* name : {"Y444", "Y444_16LE", "P010_10LE"}) {
    Frame limited(format_named(name), 5, 1, 1);
    write_picture(picture, {}, limited.view);
    const int unit = 1 << (limited.view.component[0].depth - 8);
    EXPECT_EQ(Frame::code(limited.view.component[0], 0, 0), unit) << name;
    EXPECT_EQ(Frame::code(limited.view.component[0], 1, 0), 255 * unit - 1) << name;
  }
}

TEST(Write, RefusesAnotherSize) {
  Frame frame(format_named("ARGB"), 4, 4, 1);
  EXPECT_THROW(write_picture(at::zeros({1, 3, 4, 5}), {}, frame.view), Error);
  EXPECT_THROW(write_picture(at::zeros({2, 3, 4, 4}), {}, frame.view), Error);
  EXPECT_THROW(write_picture(at::zeros({1, 3, 4, 4}), at::zeros({1, 1, 2, 4}), frame.view), Error);
}

TEST(Words, LowBitsOfShiftedWordsAreIgnoredAndCleared) {
  Frame clean(format_named("P010_10LE"), 4, 2, 1), dirty(format_named("P010_10LE"), 4, 2, 1);
  clean.fill_codes(9);
  dirty.fill_codes(9);
  dirty.for_each([](int, const Component& c, int x, int y) { *Frame::sample(c, x, y) |= 0x3f; });
  const at::Tensor picture = read_picture(dirty.view, at::kCPU);
  EXPECT_TRUE(picture.equal(read_picture(clean.view, at::kCPU)));
  write_picture(picture, {}, dirty.view);
  dirty.for_each([](int, const Component& c, int x, int y) { EXPECT_EQ(*Frame::sample(c, x, y) & 0x3f, 0); });
}

// ---- what a GPU does instead

TEST(ConvertBySteps, ReadsAndWritesAsTheOperatorsDo) {
  for (const Format& format : formats()) {
    if (format.model != ColorModel::ycbcr) continue;
    for (auto [width, height] : sizes)
      for (const bool cosited : {false, true}) {
        Frame frame(format, width, height, 3), one(format, width, height, 4), other(format, width, height, 4);
        for (Frame* each : {&frame, &one, &other}) each->view.chroma_cosited_x = each->view.chroma_cosited_y = cosited;
        frame.fill_codes(5);
        const auto what = std::string(format.name) + " " + std::to_string(width) + "x" + std::to_string(height);
        const at::Tensor picture = read_picture(frame.view, at::kCPU);
        at::Tensor found = at::empty_like(picture);
        read_ycbcr_by_step(frame.view, found[0]);
        EXPECT_LT((found - picture).abs().max().item<double>(), 1e-5) << what;
        // Values of all sorts, over-range ones too, away from the border between two codes.
        write_picture(picture * 1.37 + 0.0007, {}, one.view);
        write_ycbcr_by_step(other.view, (picture * 1.37 + 0.0007)[0]);
        int differ = 0, all = 0;
        one.for_each([&](int i, const Component& c, int x, int y) {
          if (i == 3) return;
          const int miss = std::abs(Frame::code(c, x, y) - Frame::code(other.view.component[i], x, y));
          EXPECT_LE(miss, 1) << what;
          differ += miss, ++all;
        });
        // Of 16 bits the last is at the end of what float32 tells apart.
        EXPECT_LE(differ, 1 + (format.depth > 12 ? all : all / 500)) << what;
      }
  }
}

// ---- alpha

TEST(Alpha, ReadsWritesAndDefaultsToOpaque) {
  for (const char* name : {"ARGB", "A420", "ARGB64"}) {
    Frame frame(format_named(name), 5, 3, 1);
    const Component& c = frame.view.component[3];
    const int top = (1 << c.depth) - 1;
    Frame::set_code(c, 0, 0, top);
    Frame::set_code(c, 4, 2, 0);
    const at::Tensor alpha = read_alpha(frame.view, at::kCPU);
    ASSERT_EQ(alpha.sizes(), (at::IntArrayRef{1, 1, 3, 5}));
    EXPECT_EQ(alpha[0][0][0][0].item<float>(), 1);
    EXPECT_EQ(alpha[0][0][2][4].item<float>(), 0);
    write_picture(at::zeros({1, 3, 3, 5}), at::full({1, 1, 3, 5}, 0.2), frame.view);
    EXPECT_EQ(Frame::code(c, 2, 1), top / 5) << name;
    write_picture(at::zeros({1, 3, 3, 5}), {}, frame.view);
    for (int x = 0; x < 5; ++x) EXPECT_EQ(Frame::code(c, x, 1), top) << name;
  }
  Frame opaque(format_named("RGB"), 5, 3, 1);
  EXPECT_FALSE(read_alpha(opaque.view, at::kCPU).defined());
}

}  // namespace
}  // namespace reddiff
