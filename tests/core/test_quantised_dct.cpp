// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Frames as a JPEG decoder leaves them: which tables are believed, what the data step makes of them against loops, and what is gained.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/frame/block_dct.h"
#include "core/frame/chroma.h"
#include "core/frame/luma.h"
#include "core/frame/quantised_dct.h"
#include "core/frame/truncated_mean.h"
#include "tests/core/engine_helpers.h"
#include "tests/core/jpeg_coder.h"

namespace reddiff {
namespace {

// A picture in a format that decoders write.
std::unique_ptr<Frame> frame_of(const at::Tensor& picture, const char* format) {
  auto frame = std::make_unique<Frame>(format_named(format), picture.size(3), picture.size(2), 1);
  frame->view.full_range = true;
  frame->view.matrix = {0.299, 0.114};
  frame->view.chroma_cosited_x = frame->view.chroma_cosited_y = false;
  write_picture(picture.contiguous(), {}, frame->view);
  return frame;
}

struct Coded {
  std::unique_ptr<Frame> frame;
  JpegTables tables;

  CodedPicture look() const { return make_quantised_dct(frame->view, read(*frame), tables); }
};

Coded coded(const at::Tensor& picture, const char* format, int quality) {
  Coded made{frame_of(picture, format), {}};
  made.tables = tables_of(made.frame->view, quality);
  code_frame(made.frame->view, made.tables);
  return made;
}

constexpr const char* decoded_formats[] = {"I420", "Y42B", "Y444", "GRAY8"};

TEST(BlockDct, IsThatOfTheLoops) {
  const auto plane = noise({16, 24}, 1);
  const auto is = block_dct(plane);
  Block block{};
  for (int i = 0; i < 64; ++i) block[static_cast<std::size_t>(i)] = plane[8 + i / 8][16 + i % 8].item<double>();
  const auto expected = transformed(block, false);
  for (int i = 0; i < 64; ++i)
    EXPECT_NEAR(is[8 + i / 8][16 + i % 8].item<double>(), expected[static_cast<std::size_t>(i)], 1e-5) << i;
  EXPECT_LT((inverse_block_dct(is) - plane).abs().max().item<double>(), 1e-5);
}

TEST(QuantisedDct, BelievesTheTablesOfADecodersFrame) {
  for (const char* format : decoded_formats)
    for (const int quality : {5, 20, 50, 90, 100})
      EXPECT_GT(coded(0.8 * scene(88, 72, 3), format, quality).look().share, 0.95) << format << " " << quality;
}

// As the fast arithmetic of libjpeg does.
TEST(QuantisedDct, FindsTheMeanThatADecoderRoundedDown) {
  for (const char* format : decoded_formats)
    for (const int quality : {20, 90}) {
      const auto picture = 0.8 * scene(64, 64, 3);
      const auto exact = coded(picture, format, quality);
      auto made = frame_of(picture, format);
      code_frame(made->view, exact.tables, [](double value) { return std::floor(value); });
      const Coded dark{std::move(made), exact.tables};
      EXPECT_GT(dark.look().share, 0.95) << format << " " << quality;
      const auto lifted = dark.look().likelihood->mean_in_intervals(read(*dark.frame), 100);
      EXPECT_LT(std::abs((lifted - read(*exact.frame)).mean().item<double>()), 0.1 / 127.5) << format << " " << quality;
      EXPECT_GT((read(*exact.frame) - read(*dark.frame)).mean().item<double>(), 0.4 / 127.5) << format;
    }
}

TEST(QuantisedDct, DoesNotBelieveTablesOfSomethingElse) {
  const auto picture = 0.8 * scene(96, 80, 3);
  for (const char* format : decoded_formats) {
    auto other = coded(picture, format, 40);
    other.tables = tables_of(other.frame->view, 33);
    EXPECT_EQ(other.look().likelihood, nullptr) << format << ", other tables";
    auto made = coded(picture, format, 40);
    auto moved = read(*made.frame).roll({3, 2}, {2, 3});
    write_picture(moved.contiguous(), {}, made.frame->view);
    EXPECT_EQ(made.look().likelihood, nullptr) << format << ", moved";
    write_picture((read(*made.frame) * 0.9).contiguous(), {}, made.frame->view);
    EXPECT_EQ(made.look().likelihood, nullptr) << format << ", darker";
    const Coded never{frame_of(picture, format), made.tables};
    EXPECT_EQ(never.look().likelihood, nullptr) << format << ", never coded";
  }
}

// To other ranges, matrices and R'G'B': rounded once more, on the same grid.
TEST(QuantisedDct, BelievesTheTablesOfAConvertedFrame) {
  const auto made = coded(0.8 * scene(96, 80, 3), "Y444", 40);
  for (const char* format : {"RGB", "Y444", "I420_10LE", "I420"})
    for (const bool full_range : {true, false})
      for (const ColorMatrix& other : {ColorMatrix{0.299, 0.114}, ColorMatrix{}}) {
        Frame converted(format_named(format), 80, 96, 1);
        converted.view.full_range = full_range || converted.view.model == ColorModel::rgb;
        converted.view.matrix = other;
        write_picture(read(*made.frame), {}, converted.view);
        const bool as_it_was = converted.view.model == ColorModel::rgb || !full_range || other.kr == 0.299;
        if (!as_it_was) continue;  // says that its own planes are the decoder's
        EXPECT_GT(make_quantised_dct(converted.view, read(converted), made.tables).share, 0.9)
            << format << full_range << other.kr;
      }
}

TEST(QuantisedDct, RefusesWhatDoesNotFitTheFrame) {
  auto made = coded(0.8 * scene(96, 80, 3), "I420", 40);
  const auto refuses = [&](JpegTables tables) {
    return !make_quantised_dct(made.frame->view, read(*made.frame), tables).likelihood;
  };
  EXPECT_FALSE(refuses(made.tables));
  auto tables = made.tables;
  ++tables.width;
  EXPECT_TRUE(refuses(tables));
  tables = made.tables;
  tables.planes = 2;
  EXPECT_TRUE(refuses(tables));
  tables = made.tables;
  tables.plane[1].steps[63] = 0;
  EXPECT_TRUE(refuses(tables));
  tables = made.tables;
  tables.plane[0].horizontal = 0;
  EXPECT_TRUE(refuses(tables));
  tables.plane[0].horizontal = 3;  // chroma at a third of the width: not read
  EXPECT_FALSE(refuses(tables));   // and the luma is still as they say
  Frame small(format_named("I420"), 7, 7, 1);
  small.view.full_range = true;
  EXPECT_EQ(make_quantised_dct(small.view, read(small), tables_of(small.view, 40)).likelihood, nullptr);
}

at::Tensor plane_of(const at::Tensor& picture, const ColorMatrix& m, int plane) {
  const auto luma = luma_of(m, picture);
  if (plane == 0) return luma;
  const double kr = m.kr, kb = m.kb;
  return plane == 1 ? (picture.narrow(1, 2, 1) - luma) / (2 * (1 - kb))
                    : (picture.narrow(1, 0, 1) - luma) / (2 * (1 - kr));
}

// The DCT of each plane of the result is the truncated mean of that of the picture it is given: exactly, for every sampling.
TEST(QuantisedDct, PutsEveryPlaneAtItsTruncatedMean) {
  for (const char* format : {"I420", "Y42B", "Y444"}) {
    const auto made = coded(0.8 * scene(64, 48, 3), format, 30);
    const double level = 0.1;
    const auto x = read(*made.frame) + 0.1 * noise({1, 3, 64, 48}, 5);
    const auto result = made.look().likelihood->mean_in_intervals(x, level);
    for (int i = 0; i < 3; ++i) {
      const Component& c = made.frame->view.component[i];
      const int across = 48 / c.width, down = 64 / c.height;
      const auto values = [&](const at::Tensor& picture) {
        auto plane = plane_of(picture, made.frame->view.matrix, i);
        return (at::avg_pool2d(plane, {down, across}) * 127.5 - (i == 0 ? 0.5 : 0.0))[0][0];
      };
      auto decoded = at::zeros({c.height, c.width});
      for (int row = 0; row < c.height; ++row)
        for (int column = 0; column < c.width; ++column) decoded[row][column] = Frame::code(c, column, row) - 128;
      std::vector<float> steps(made.tables.plane[i].steps.begin(), made.tables.plane[i].steps.end());
      const auto q = at::tensor(steps).view({8, 8}).repeat({c.height / 8, c.width / 8});
      const auto centre = (block_dct(decoded) / q).round() * q;
      // Of R'G'B' noise of deviation 1: the energy of the plane's row, and of a mean of so many.
      const auto row = plane_of(at::eye(3).view({1, 3, 3, 1}).transpose(2, 3).transpose(1, 3).contiguous(),
                                made.frame->view.matrix, i);
      const double norm = row.square().sum().sqrt().item<double>() / std::sqrt(across * down);
      const auto expected = truncated_mean(block_dct(values(x)), {centre, q / 2}, 127.5 * norm * level);
      EXPECT_LT((block_dct(values(result)) - expected).abs().max().item<double>(), 0.02) << format << " " << i;
    }
  }
}

// Pictures with a border that cuts blocks, a clipped part, and one colour.
TEST(QuantisedDct, TakesPicturesOfAnyKind) {
  const auto bright = at::where(scene(51, 45, 2) > 0.2, 1.3, scene(51, 45, 2)).clamp(-1, 1);
  for (const char* format : decoded_formats)
    for (const auto& picture : {bright, at::ones({1, 3, 51, 45}), at::zeros({1, 3, 51, 45})}) {
      const auto look = coded(picture, format, 30).look();
      ASSERT_NE(look.likelihood, nullptr) << format;
      const auto moved = look.likelihood->mean_in_intervals(picture, 0.1);
      EXPECT_TRUE(moved.isfinite().all().item<bool>()) << format;
      EXPECT_LT(rms(moved - picture), 0.05) << format;
    }
}

struct Gain {
  double decoded, restored;
  FrameReport report;
};

// Errors over the whole picture with the network, by the tables or by the level alone.
Gain gain(const at::Tensor& picture, const char* format, int quality, bool knows, Config config = {}) {
  config.task = Task::restore;
  config.temporal = Temporal::none;
  config.device = "cpu";
  const auto made = coded(picture, format, quality);
  Engine engine(config, false, model_path());
  FrameOptions options{.least_noise = 5, .jpeg = knows ? &made.tables : nullptr};
  auto out = frame_of(picture, format);
  const auto report = engine.process(made.frame->view, out->view, options);
  const auto truth = read(*frame_of(picture, format));
  return {rms(read(*made.frame) - truth), rms(read(*out) - truth), report};
}

TEST(QuantisedDct, TablesAreWorthMoreThanTheLevel) {
  const std::map<int, double> most{{20, 0.94}, {50, 0.95}, {90, 0.89}};  // of the decoder's error
  for (const char* format : {"I420", "Y444"})
    for (const auto& [quality, share] : most) {
      const auto with = gain(cartoon(96, 96, 4), format, quality, true);
      const auto without = gain(cartoon(96, 96, 4), format, quality, false);
      EXPECT_LT(with.restored, share * with.decoded) << format << " " << quality;
      EXPECT_LT(with.restored, 0.99 * without.restored) << format << " " << quality;
      EXPECT_GT(with.report.coded_share, 0.9);
      EXPECT_EQ(without.report.coded_share, 0);
      EXPECT_EQ(with.report.prior_calls, 2);
    }
}

// Black on white, where the decoder has clipped nearly every block: what it decoded is found behind the ends.
TEST(QuantisedDct, FindsWhatWasClipped) {
  const auto ink = at::where(scene(96, 80, 2).narrow(1, 0, 1) > 0.1, -1.0, 1.0).to(at::kFloat).expand({1, 3, 96, 80});
  for (const int quality : {20, 50, 85}) {
    const auto with = gain(ink, "GRAY8", quality, true);
    EXPECT_GT(with.report.coded_share, 0.75) << quality;
    EXPECT_LT(with.restored, 0.95 * with.decoded) << quality;
  }
}

TEST(QuantisedDct, MakesAsManyCallsAsAskedFor) {
  const auto calls = [](Config config) {
    return gain(cartoon(32, 32, 4), "I420", 40, true, config).report.prior_calls;
  };
  EXPECT_EQ(calls({.preset = Preset::live}), 1);
  EXPECT_EQ(calls({.preset = Preset::archive}), 2);
  for (const int steps : {1, 2, 3}) EXPECT_EQ(calls({.steps = steps}), steps);
}

}  // namespace
}  // namespace reddiff
