// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Operators that clip, round or code, and the data step for what they leave: against loops over values, and whole frames through Engine.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "core/degrade.h"
#include "core/frame/pixel_cells.h"
#include "core/frame/quantised_dct.h"
#include "core/frame/truncated_mean.h"
#include "core/solvers/data_step.h"
#include "tests/core/engine_helpers.h"
#include "tests/core/jpeg_coder.h"
#include "tests/core/operator_helpers.h"
#include "tests/core/refusal.h"

namespace reddiff {
namespace {

at::Tensor each(const at::Tensor& x, const std::function<double(double)>& f) {
  auto result = x.contiguous().clone();
  auto* values = result.mutable_data_ptr<double>();
  std::transform(values, values + result.numel(), values, f);
  return result;
}

TEST(IntervalOperators, AreTheirFormulas) {
  const auto x = randn({2, 3, 7, 9}, 1);
  for (const double gain : {1.0, 2.0, 5.5}) {
    const auto expected = each(x, [&](double v) { return std::max(-1.0, std::min(1.0, gain * v)); });
    EXPECT_TRUE(at::equal(make("hdr:gain=" + std::to_string(gain))->forward(x), expected)) << gain;
  }
  for (int bits = 1; bits <= 8; ++bits) {
    const int count = 1 << bits;
    const auto expected = each(x, [&](double v) {
      const int k = std::clamp(static_cast<int>(std::floor((v + 1) / 2 * count)), 0, count - 1);
      return -1 + 2 * (k + 0.5) / count;
    });
    EXPECT_LT(largest(make("quantise:bits=" + std::to_string(bits))->forward(x) - expected), 1e-12) << bits;
  }
}

TEST(IntervalOperators, GivenTheirOwnResultTheyGiveItAgain) {
  for (const char* text : {"quantise:bits=1", "quantise:bits=3", "quantise:bits=8", "hdr:gain=1"}) {
    const auto op = make(text);
    const auto y = op->forward(randn({1, 3, 8, 8}, 2));
    EXPECT_TRUE(at::equal(op->forward(y), y)) << text;
  }
}

// A frame of code values of R'G'B'.
std::unique_ptr<Frame> rgb_frame(const at::Tensor& picture, const char* format = "RGB") {
  auto frame = std::make_unique<Frame>(format_named(format), static_cast<int>(picture.size(3)),
                                       static_cast<int>(picture.size(2)), 1);
  write_picture(picture.to(at::kFloat), {}, frame->view);
  return frame;
}

// R', G' or B' of a frame as libjpeg makes it: halved chroma is enlarged by 3/4 of the nearest sample and 1/4 of the next.
double decoded_value(const FrameView& frame, int channel, int x, int y) {
  const auto chroma = [&](int plane) {
    const Component& c = frame.component[plane];
    const bool across = c.width < frame.width, down = c.height < frame.height;
    const int column = across ? x / 2 : x, row = down ? y / 2 : y;
    const int beside = std::clamp(column + (x % 2 ? 1 : -1), 0, c.width - 1);
    const int above = std::clamp(row + (y % 2 ? 1 : -1), 0, c.height - 1);
    const double far_x = across ? 0.25 : 0, far_y = down ? 0.25 : 0;
    const auto in_row = [&](int r) {
      return (1 - far_x) * Frame::code(c, column, r) + far_x * Frame::code(c, beside, r);
    };
    return (1 - far_y) * in_row(row) + far_y * in_row(above) - 128;
  };
  const double blue[] = {0, -0.344136, 1.772}, red[] = {1.402, -0.714136, 0};
  const double code = Frame::code(frame.component[0], x, y) + blue[channel] * chroma(1) + red[channel] * chroma(2);
  return std::clamp(code / 127.5 - 1, -1.0, 1.0);
}

TEST(Jpeg, IsACoderAndADecoder) {
  struct Case {
    const char *subsampling, *format;
  };
  for (const auto& [subsampling, format] : {Case{"444", "Y444"}, Case{"422", "Y42B"}, Case{"420", "I420"}})
    for (const int quality : {5, 40, 75})
      for (const auto& [height, width] : {std::pair{40, 56}, std::pair{27, 35}, std::pair{5, 3}}) {
        const auto x = read(*rgb_frame(scene(height, width, 3) * 0.6 + 0.03 * noise({1, 3, height, width}, 8)));
        Frame planes(format_named(format), width, height, 2);
        planes.view.full_range = true;
        planes.view.matrix = {0.299, 0.114};
        planes.view.chroma_cosited_x = planes.view.chroma_cosited_y = false;
        write_picture(x, {}, planes.view);
        code_frame(planes.view, tables_of(planes.view, quality));
        const auto y = make("jpeg:quality=" + std::to_string(quality) + ":subsampling=" + subsampling)->forward(x);
        // A value on the edge of a cell may fall on either side, and then its whole block differs.
        int differ = 0;
        for (int c = 0; c < 3; ++c)
          for (int i = 0; i < height * width; ++i)
            differ += std::abs(y[0][c][i / width][i % width].item<double>() -
                               decoded_value(planes.view, c, i % width, i / width)) > 1e-3;
        EXPECT_LE(differ, 0.3 * 3 * height * width) << format << " " << quality << " " << height << "x" << width;
      }
}

// Of a frame in R'G'B', too, chroma has cells: nearly all of the coefficients of the picture that was coded lie in them.
TEST(Jpeg, CellsHoldThePictureThatWasCoded) {
  const auto truth = read(*rgb_frame(cartoon(96, 128, 3) * 0.6));
  for (const char* subsampling : {"444", "422", "420"})
    for (const char* format : {"RGB", "I420"}) {
      const auto text = std::string("jpeg:quality=30:subsampling=") + subsampling;
      const auto frame = rgb_frame(make(text)->forward(truth), format);
      const auto tables = usual_tables(30, std::stoi(subsampling));
      const auto likelihood = make_jpeg_cells(frame->view, read(*frame), tables);
      const auto cells_of = [&](const at::Tensor& x) { return likelihood->mean_in_intervals(x, 1e-5); };
      EXPECT_LT(rms(cells_of(truth) - truth), 0.2 * rms(read(*frame) - truth)) << text << " " << format;
      // From another picture the coded one's cells are far away.
      EXPECT_GT(rms(cells_of(truth.flip(3)) - truth.flip(3)), rms(read(*frame) - truth)) << text << " " << format;
    }
}

TEST(Jpeg, OfOneChannelIsThatOfGrayPictures) {
  const auto gray = read(*rgb_frame(scene(32, 48, 4) * 0.6)).narrow(1, 0, 1);
  const auto op = make("jpeg:quality=30");
  EXPECT_LT(largest(op->forward(gray) - op->forward(gray.expand({1, 3, -1, -1})).narrow(1, 0, 1)), 1e-5);
}

TEST(UsualTables, AreTheStandardsScaledAsLibjpegDoes) {
  for (int quality = 1; quality <= 100; ++quality) {
    const auto tables = usual_tables(quality, 420);
    for (std::size_t plane = 0; plane < 3; ++plane)
      EXPECT_EQ(tables.plane[plane].steps, steps_at(quality, plane > 0)) << quality;
  }
  const auto factors = [](int subsampling) {
    const auto luma = usual_tables(50, subsampling).plane[0];
    return std::pair(luma.horizontal, luma.vertical);
  };
  EXPECT_EQ(factors(420), std::pair(2, 2));
  EXPECT_EQ(factors(422), std::pair(2, 1));
  EXPECT_EQ(factors(444), std::pair(1, 1));
}

// What the cells of y say of x ~ N(mean, sigma^2), by summing over a fine grid of x that gives the same code value of y.
double mean_of_what_gives(const Operator& op, double y, double mean, double sigma) {
  constexpr int count = 40001;
  const auto x = at::linspace(-1, 1, count, at::kDouble).view({1, 1, 1, count});
  const auto code = [](const at::Tensor& v) { return ((v + 1) * 127.5).round(); };
  const auto same = code(op.forward(x)) == code(at::full({1}, y, at::kDouble));
  const auto weight = at::where(same, (-((x - mean) / sigma).square() / 2).exp(), 0);
  return number((x * weight).sum() / weight.sum());
}

TEST(PixelCells, MeansAreThoseOfAllThatGivesTheSameCodeValues) {
  const auto truth = at::linspace(-1, 1, 48).view({1, 3, 2, 8});
  for (const char* text : {"hdr:gain=2", "hdr:gain=1.3", "quantise:bits=3", "quantise:bits=1", "quantise:bits=6"}) {
    const auto op = make(text);
    const auto frame = rgb_frame(op->forward(truth));
    const auto y = read(*frame);
    const auto stage = parse_operator(text).stages[0];
    const auto likelihood = stage.name == "hdr"
                                ? make_clipped_cells(frame->view, y, stage.numbers.at("gain"))
                                : make_quantised_cells(frame->view, y, static_cast<int>(stage.numbers.at("bits")));
    for (const double sigma : {0.05, 0.3}) {
      const auto denoised = (truth + 0.1 * noise(truth.sizes(), 5)).contiguous();
      const auto found = likelihood->mean_in_intervals(denoised, sigma).contiguous();
      for (int i = 0; i < 48; ++i) {
        const double expected =
            mean_of_what_gives(*op, y.flatten()[i].item<double>(), denoised.flatten()[i].item<double>(), sigma);
        EXPECT_NEAR(found.flatten()[i].item<double>(), expected, 2.5e-3) << text << " " << sigma << " value " << i;
      }
    }
  }
}

// Whatever the format of the frame is, its own clean picture stays in the cells but for what halved chroma has mixed.
TEST(PixelCells, HoldThePictureTheyComeFrom) {
  for (const char* text : {"hdr:gain=2", "quantise:bits=3"})
    for (const char* format : {"RGB", "ARGB64", "GRAY8", "Y444", "I420", "P010_10LE"}) {
      const bool gray = std::string(format) == "GRAY8", halved = format[0] == 'I' || format[0] == 'P';
      auto truth = scene(48, 64, 6);
      if (gray) truth = truth.mean(1, true).expand({1, 3, -1, -1}).contiguous();
      const auto op = make(text);
      const auto frame = rgb_frame(op->forward(truth), format);
      const auto y = read(*frame);
      const auto likelihood = std::string(text).starts_with("hdr") ? make_clipped_cells(frame->view, y, 2)
                                                                   : make_quantised_cells(frame->view, y, 3);
      // A mean over next to nothing is the value itself where it lies in the cell, else the cell's nearer end.
      const auto moved = (likelihood->mean_in_intervals(truth, 1e-5) - truth).abs() > 6e-3;
      EXPECT_LT(moved.to(at::kFloat).mean().item<double>(), halved ? 0.35 : 1e-3) << text << " " << format;
    }
}

// L of orthogonal rows: what all x together are expected to be, by samples of N(D, s^2) that give y.
TEST(DataStepInIntervals, BehindAReductionIsTheMeanOfSamplesThatGiveTheMeasurement) {
  constexpr double level = 0.4, d[] = {0.1, -0.3, 0.5, 0.2};
  const auto op = make("average-pool:factor=2+quantise:bits=2");
  const auto y = at::full({1, 3, 1, 1}, 0.25);
  const auto frame = rgb_frame(y);
  const auto denoised = at::tensor({d[0], d[1], d[2], d[3]}, at::kFloat).view({1, 1, 2, 2}).expand({1, 3, 2, 2});
  const Problem problem{op, y, {}, make_quantised_cells(frame->view, y, 2)};
  Trace trace(at::kCPU);
  const auto found = DataStep{Weighting::linear, 1, 1}(problem, denoised, level, trace);
  const auto x = denoised.narrow(1, 0, 1) + level * noise({2000000, 1, 2, 2}, 7);
  const auto fits = at::avg_pool2d(x, 2).sub(0.25).abs() <= 0.25;
  const auto expected = (x * fits).sum(0) / fits.sum();
  // One part in a hundred of the way is left by the data step's damping.
  EXPECT_LT((found[0].narrow(0, 0, 1) - expected).abs().max().item<double>(), 6e-3);
}

TEST(IntervalPlans, AreForOneOfThemInTheLastPlace) {
  for (const char* text : {"hdr", "quantise", "jpeg", "bicubic+quantise", "gray+hdr", "average-pool+jpeg"}) {
    EXPECT_EQ(refusal({.operator_text = text}), "") << text;
    const PlanBook book({.operator_text = text}, false);
    EXPECT_TRUE(says_intervals(book.kind()) && book.cells() && book.knows_intervals()) << text;
    EXPECT_EQ(book.solver(), SolverKind::hqs) << text;
    EXPECT_NE(refusal({.operator_text = text, .solver = SolverKind::ensemble}).find("solver=hqs"), std::string::npos);
  }
  for (const char* text : {"quantise+bicubic", "hdr+quantise", "jpeg+jpeg", "hdr+gaussian-blur:sigma=1"}) {
    EXPECT_NE(refusal({.operator_text = text}).find("hdr, quantise, jpeg"), std::string::npos)
        << refusal({.operator_text = text});
    EXPECT_EQ(refusal({.operator_text = text, .solver = SolverKind::red_diff}), "") << text;
  }
  EXPECT_NE(refusal({.operator_text = "gray+jpeg"}).find("three channels"), std::string::npos);
  EXPECT_NE(refusal({.operator_text = "hdr", .mask_source = MaskSource::alpha}).find("every pixel"), std::string::npos);
}

TEST(IntervalPlans, BehindAReductionTheyStartAsHighAsThatDoes) {
  for (const char* through : {"bicubic:factor=4", "average-pool:factor=2"}) {
    const Config reduction{.operator_text = through}, both{.operator_text = std::string(through) + "+quantise:bits=6"};
    const double start = PlanBook(reduction, false).at(0.01).cold.start_level;
    EXPECT_GE(PlanBook(both, false).at(0.01, -1, Errors::intervals).cold.start_level, start);
    EXPECT_GE(PlanBook(both, false).at(0.01, 1, Errors::intervals).along.start_level, start);
  }
}

TEST(IntervalPlans, LevelsFallAndCallsAreThoseOfThePreset) {
  for (const char* text : {"hdr", "quantise", "jpeg"})
    for (const auto preset : {Preset::live, Preset::quality, Preset::archive}) {
      const PlanBook book({.preset = preset, .operator_text = text}, false);
      for (const int most : {-1, 1, 2}) {
        const auto plan = book.at(0.1, most, Errors::intervals);
        EXPECT_EQ(plan.along.steps, 1);
        EXPECT_GE(plan.cold.steps, 0);
        if (most > 0) {
          EXPECT_LE(plan.cold.steps + plan.along.steps, most);
        }
        EXPECT_GE(plan.cold.start_level, plan.along.start_level) << text;
        EXPECT_GT(plan.along.start_level, 0) << text;
      }
    }
}

double psnr(const at::Tensor& a, const at::Tensor& b) { return 20 * std::log10(2 / rms(a - b)); }

// What the operators leave is restored by so many dB, by the real prior, whatever format the frame has.
TEST(IntervalEngine, GainsOverItsInput) {
  struct Case {
    const char *text, *format;
    double gain;
  };
  for (const auto& [text, format, gain] :
       {Case{"hdr:gain=2", "RGB", 2.5}, Case{"quantise:bits=3", "RGB", 1.6}, Case{"jpeg:quality=20", "RGB", 0.5},
        Case{"hdr:gain=2", "I420", 2.5}, Case{"quantise:bits=3", "I420", 1.5}, Case{"jpeg:quality=20", "I420", 0.5},
        Case{"quantise:bits=3", "GRAY8", 0.8}}) {
    Frame truth(format_named(format), 128, 96, 1), degraded(format_named(format), 128, 96, 3);
    write_picture(cartoon(96, 128, 5), {}, truth.view);
    DegradeEngine({text, 0, 7, "cpu"}).process(truth.view, degraded.view, 0);
    Engine engine({.operator_text = text, .device = "cpu"}, false, model_path());
    const auto restored = restore(engine, degraded, 1, {}, format);
    const auto op = make(text);
    const double before = psnr(op->pseudo_inverse(read(degraded)), read(truth));
    EXPECT_GT(psnr(read(*restored.frame), read(truth)), before + gain) << text << " " << format << " from " << before;
  }
}

TEST(IntervalEngine, EnlargesWhatWasReducedAndRounded) {
  const char* text = "bicubic:factor=2+quantise:bits=3";
  Frame truth(format_named("RGB"), 128, 96, 1), degraded(format_named("RGB"), 64, 48, 3);
  write_picture(cartoon(96, 128, 5), {}, truth.view);
  DegradeEngine({text, 0, 7, "cpu"}).process(truth.view, degraded.view, 0);
  Engine engine({.operator_text = text, .device = "cpu"}, false, model_path());
  const auto restored = restore(engine, degraded, 2, {});
  const double before = psnr(at::upsample_bicubic2d(read(degraded), {96, 128}, false), read(truth));
  EXPECT_GT(psnr(read(*restored.frame), read(truth)), before + 0.5);
}

// RED-Diff takes them without intervals, through the slope underneath.
TEST(IntervalEngine, RedDiffDoesNotEndBelowItsInput) {
  for (const char* text : {"hdr:gain=2", "quantise:bits=3", "jpeg:quality=10"}) {
    Frame truth(format_named("RGB"), 64, 48, 1), degraded(format_named("RGB"), 64, 48, 3);
    write_picture(cartoon(48, 64, 5), {}, truth.view);
    DegradeEngine({text, 0, 7, "cpu"}).process(truth.view, degraded.view, 0);
    Engine engine({.operator_text = text, .solver = SolverKind::red_diff, .device = "cpu"}, false, model_path());
    const auto restored = restore(engine, degraded, 1, {});
    const double before = psnr(make(text)->pseudo_inverse(read(degraded)), read(truth));
    EXPECT_GT(psnr(read(*restored.frame), read(truth)), before - 0.05) << text;
  }
}

// Frames that no such operator has made are led to the nearest intervals, and nothing breaks.
TEST(IntervalEngine, TakesAnyFrame) {
  for (const char* text : {"hdr:gain=4", "quantise:bits=2", "jpeg:quality=10"})
    for (const auto& [w, h] : {std::pair{40, 24}, std::pair{5, 3}, std::pair{1, 1}})
      for (const char* format : {"RGB", "I420", "GRAY8", "ARGB64"}) {
        Frame any(format_named(format), w, h, 9);
        write_picture(noise({1, 3, h, w}, 3), {}, any.view);
        const auto engine = engine_of({.operator_text = text});
        for (int i = 0; i < 2; ++i) {
          const auto restored = restore(*engine, any, 1, {}, format);
          EXPECT_FALSE(restored.report.not_finite) << text << " " << format;
        }
      }
}

}  // namespace
}  // namespace reddiff
