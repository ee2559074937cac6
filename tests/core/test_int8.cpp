// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Convolutions on bytes: rounding and sums against their definition, value by value in double; the network in int8 against itself in
// float32; which precision a machine gets.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "core/api/names.h"
#include "core/priors/conv_unet.h"
#include "core/priors/int8_block.h"
#include "core/priors/int8_conv.h"
#include "core/priors/precision.h"
#include "tests/core/refusal.h"

namespace reddiff {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

at::Tensor drawn(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), at::TensorOptions());
}

at::Tensor channels_last(const at::Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

double worst(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

// What bytes stand for.
at::Tensor values(const at::Tensor& bytes, const Quantisation& scale) {
  return (bytes.to(at::kDouble) - static_cast<double>(scale.zero)) * scale.step;
}

// Weights as they are stored: whole numbers of -127..127 times a step of each output channel.
at::Tensor stored(const at::Tensor& weight) {
  const at::Tensor step = weight.to(at::kDouble).abs().amax({1, 2, 3}, true) / 127;
  return (weight / step).round() * step;
}

at::Tensor convolved(const at::Tensor& x, const at::Tensor& weight) { return at::conv2d(x, weight, {}, 1, 1); }

#define NEEDS_INT8() \
  if (!has_int8_convolution()) GTEST_SKIP() << "this CPU has no VNNI instructions"

TEST(Quantisation, CoversItsRangeAndZero) {
  const Quantisation scale = Quantisation::of_range(-1, 3);
  EXPECT_DOUBLE_EQ(scale.step, 4 / 255.0);
  EXPECT_EQ(scale.zero, 64);
  EXPECT_EQ(Quantisation::of_range(2, 3).zero, 0) << "0 is a value of every range";
  EXPECT_EQ(Quantisation::of_range(-3, -2).zero, 255);
  EXPECT_DOUBLE_EQ(Quantisation::of_range(0, 0).step, 1);
}

TEST(Quantisation, RoundsCutsAndKeepsTheLayout) {
  const Quantisation scale = Quantisation::of_range(-1, 3);
  at::Tensor x = channels_last(2 * drawn({2, 3, 40, 31}, 1));
  x.select(0, 0).select(0, 0).select(0, 0).select(0, 0).fill_(nan);
  const at::Tensor bytes = quantised(x, scale);
  ASSERT_TRUE(bytes.is_contiguous(at::MemoryFormat::ChannelsLast));
  const at::Tensor flat = x.flatten(), found = bytes.flatten();
  EXPECT_EQ(found[0].item<int>(), 0);
  for (std::int64_t i = 1; i < flat.numel(); ++i) {
    const double exact = flat[i].item<double>() / scale.step + static_cast<double>(scale.zero);
    EXPECT_NEAR(found[i].item<double>(), std::clamp(exact, 0.0, 255.0), 0.5001);
  }
}

TEST(Int8Conv2d, IsTheConvolutionOfWhatIsStored) {
  NEEDS_INT8();
  for (const std::int64_t channels : {5, 24, 64})
    for (const auto& size : {std::pair<std::int64_t, std::int64_t>{1, 1}, {9, 14}, {33, 40}})
      for (const double least : {-2.0, 0.0}) {
        const at::Tensor weight = drawn({channels, channels, 3, 3}, 2), kept = stored(weight);
        const Quantisation scale = Quantisation::of_range(least, 3);
        const at::Tensor bytes = quantised(channels_last(drawn({2, channels, size.first, size.second}, 3)), scale);
        const Int8Conv2d conv(weight, least < 0 ? Int8Conv2d::Input::any_sign : Int8Conv2d::Input::positive);
        const at::Tensor exact = convolved(values(bytes, scale), kept);
        const double rounding = 1e-5 * exact.abs().max().item<double>();
        EXPECT_LT(worst(conv.forward(bytes, scale).to(at::kDouble), exact), rounding);

        const at::Tensor before = channels_last(drawn(exact.sizes(), 4));
        at::Tensor sum = before.clone();
        conv.add_to(sum, bytes, scale);
        EXPECT_LT(worst(sum.to(at::kDouble), before + exact), rounding);

        const at::Tensor gain = drawn({channels}, 5), bias = drawn({channels}, 6);  // gains of both signs
        const at::Tensor hidden = (exact * gain.view({-1, 1, 1}) + bias.view({-1, 1, 1})).relu();
        const double step = hidden.max().item<double>() / 200 + 1e-9;
        const at::Tensor found = conv.forward_scaled_relu(bytes, scale, gain, bias, step);
        ASSERT_EQ(found.scalar_type(), at::kByte);
        EXPECT_LT(worst(found.to(at::kDouble), hidden / step), 0.501);
      }
}

TEST(Int8Block, OneLevelAndAMapOfItAreOne) {
  NEEDS_INT8();
  const std::int64_t c = 24, pixels = 10 * 12;
  const at::Tensor weight1 = drawn({c, c, 3, 3}, 1) / 15, weight2 = drawn({c, c, 3, 3}, 2) / 15;
  const at::Tensor gain = 1 + drawn({c}, 3) / 4, bias = drawn({c}, 4) / 4, x = channels_last(drawn({1, c, 10, 12}, 5));
  const Int8Scales scales{Quantisation::of_range(-4, 4), 6 / 255.0};
  const Int8Block block(weight1, weight2);
  at::Tensor by_row = x.clone(), by_map = x.clone();
  block.apply(by_row, scales, FilmRow{gain, bias});
  const at::Tensor table = at::cat({gain, bias}).repeat({2, 1}).contiguous();
  const FilmMap map{{}, at::zeros({pixels}, at::kInt), at::full({pixels}, 0.25F)};
  block.apply(by_map, scales, map, table);

  const at::Tensor input = values(quantised(x, scales.input), scales.input);
  const at::Tensor hidden = (convolved(input, stored(weight1)) * gain.view({-1, 1, 1}) + bias.view({-1, 1, 1})).relu();
  const at::Tensor kept = (hidden / scales.hidden_step).round().clamp_max(255) * scales.hidden_step;
  const at::Tensor exact = x + convolved(kept, stored(weight2));
  // Where a value lies half way between two bytes rounding may fall either way: a step times some weight.
  const double step = scales.hidden_step * 2 * weight2.abs().max().item<double>();
  EXPECT_LT(worst(by_row.to(at::kDouble), exact), step);
  EXPECT_LT(worst(by_map.to(at::kDouble), exact), step);
  EXPECT_GT(worst(by_row, x), 10 * step);
}

TEST(Int8Ranges, TakesTheBandsAroundTheLevels) {
  const at::Tensor sigma = at::tensor({0.1F, 1.0F, 4.0F});
  at::Tensor ranges = at::zeros({2, 3, 3});
  for (int band = 0; band < 3; ++band)  // the second block has none
    ranges[0][band].copy_(at::tensor(
        {-1.0F - static_cast<float>(band), 2.0F + static_cast<float>(band), 1.0F + static_cast<float>(2 * band)}));
  const Int8Ranges read(sigma, ranges);
  EXPECT_TRUE(read.has(0));
  EXPECT_FALSE(read.has(1));
  struct Row {
    double least, most;
    int band;  // whose range is the widest of the ones taken, as ranges grow
  };
  for (const auto& row :
       {Row{.1, .1, 0}, Row{.2, .2, 1}, Row{1, 1, 1}, Row{.1, 3, 2}, Row{.01, .05, 0}, Row{9, 9, 2}}) {
    const auto scales = read.scales(row.least, row.most);
    ASSERT_EQ(scales.size(), 2U);
    EXPECT_FALSE(scales[1]);
    EXPECT_DOUBLE_EQ(scales[0]->input.step, (3 + 2 * row.band) / 255.0) << row.least << " " << row.most;
    EXPECT_DOUBLE_EQ(scales[0]->hidden_step, (1 + 2 * row.band) / 255.0);
  }
}

// --- the networks ----------------------------------------------------------------------------------------------------

const char* const networks[] = {"tiny", "default", "large"};

const Model& shipped(const std::string& name) {
  static std::map<std::string, Model> read;
  const char* dir = std::getenv("REDDIFF_MODEL_PATH");
  const auto found = read.find(name);
  if (found != read.end()) return found->second;
  return read.emplace(name, load_model(std::string(dir ? dir : "models") + "/" + name + ".safetensors")).first->second;
}

DenoiserPtr network(const std::string& name, ConvPath path) {
  return make_conv_unet(shipped(name).tensors, shipped(name).card, at::kCPU, at::kFloat, path);
}

// Smooth colours, an edge, stripes and a flat corner in [-1,1].
at::Tensor picture(std::int64_t height, std::int64_t width) {
  const at::Tensor y = at::linspace(0, 3, height).view({-1, 1}), x = at::linspace(0, 4, width).view({1, -1});
  const at::Tensor edge = (x + y > 3).to(at::kFloat) * 0.4, inside = (x + y > 1).to(at::kFloat);
  const at::Tensor planes = at::stack({at::sin(x + y), at::cos(2 * y - x), at::sin(2 * x * y / 3)}) * 0.5;
  return ((planes + edge + 0.1 * at::sin(30 * x).sign()) * inside).clamp(-1, 1).unsqueeze(0).contiguous();
}

at::Tensor level_map(std::int64_t height, std::int64_t width, double most) {
  return (at::linspace(0.2, 1, height * width) * most).view({1, 1, height, width});
}

double mse(const at::Tensor& a, const at::Tensor& b) { return (a - b).square().mean().item<double>(); }

TEST(Int8Networks, LoseLittle) {
  NEEDS_INT8();
  const at::Tensor clean = picture(96, 112);
  for (const char* name : networks) {
    const DenoiserPtr exact = network(name, ConvPath::plain), rounded = network(name, ConvPath::int8);
    EXPECT_NE(rounded->description().find("Int8"), std::string::npos);
    for (const std::string& kind : rounded->kinds())
      for (const double sigma : {0.04, 0.2, 0.8})
        for (const at::Tensor& level : {at::full({1, 1, 1, 1}, sigma), level_map(96, 112, sigma)}) {
          const at::Tensor u = clean + level * drawn(clean.sizes(), 7);
          const at::Tensor wanted = exact->for_kind(kind)->denoise(u, level);
          const at::Tensor found = rounded->for_kind(kind)->denoise(u, level);
          // A denoiser leaves a third to a fifth of the noise in a photograph; what rounding adds is to be small beside that.
          EXPECT_LT(std::sqrt(mse(found, wanted)), 0.15 * sigma) << name << " " << kind << " " << sigma;
          EXPECT_GT(mse(found, wanted), 0) << "as if nothing were rounded";
        }
  }
}

TEST(Int8Networks, PicturesOfABatchKeepToThemselves) {
  NEEDS_INT8();
  const DenoiserPtr prior = network("tiny", ConvPath::int8);
  const at::Tensor a = picture(32, 48) + 0.1 * drawn({1, 3, 32, 48}, 1), b = 3 * drawn({1, 3, 32, 48}, 2);
  const at::Tensor few = level_map(32, 48, .05), much = level_map(32, 48, 2);
  const at::Tensor both = prior->denoise(at::cat({a, b}), at::cat({few, much}));
  EXPECT_TRUE(at::equal(both.narrow(0, 0, 1), prior->denoise(a, few)));
  EXPECT_TRUE(at::equal(both.narrow(0, 1, 1), prior->denoise(b, much)));
}

TEST(Int8Networks, WhatIsNoNumberStaysNone) {
  NEEDS_INT8();
  at::Tensor u = picture(32, 48);
  u.select(1, 0).select(1, 9).select(1, 20).fill_(nan);
  EXPECT_TRUE(network("tiny", ConvPath::int8)->denoise(u, at::full({1, 1, 1, 1}, 0.2)).isnan().any().item<bool>());
}

TEST(Int8Networks, RangesOfAFileAreChecked) {
  NEEDS_INT8();
  const auto refused = [](const std::string& name, const at::Tensor& value) {
    NamedTensors tensors = shipped("tiny").tensors;
    tensors[name] = value;
    return refusal_of([&] { make_conv_unet(tensors, shipped("tiny").card, at::kCPU, Precision::int8); });
  };
  const at::Tensor levels = shipped("tiny").tensors.at("int8.levels"),
                   ranges = shipped("tiny").tensors.at("int8.ranges");
  EXPECT_NE(refused("int8.ranges", ranges.narrow(0, 0, 1)).find("int8.ranges"), std::string::npos);
  EXPECT_NE(refused("int8.ranges", ranges * nan).find("int8."), std::string::npos);
  EXPECT_NE(refused("int8.levels", levels.flip(0)).find("int8."), std::string::npos);
  EXPECT_NE(refused("int8.levels", levels.view({1, -1})).find("int8.levels"), std::string::npos);
}

// --- which precision ---------------------------------------------------------------------------------------------------

struct Machine {
  const char* what;
  PrecisionFacts facts;
  Precision in_a_hurry, patient;  // of `automatic`
  const char* int8_refusal;       // empty: taken
};

const Machine machines[] = {
    {"a CPU with VNNI", {false, false, true, true}, Precision::int8, Precision::float32, ""},
    {"its network has no ranges", {false, false, true, false}, Precision::float32, Precision::float32, "ranges"},
    {"a CPU without", {false, false, false, true}, Precision::float32, Precision::float32, "VNNI"},
    {"a GPU", {true, true, false, true}, Precision::bfloat16, Precision::bfloat16, "for CPUs"},
    {"an older GPU", {true, false, false, true}, Precision::float16, Precision::float16, "for CPUs"},
};

TEST(ChosenPrecision, IsAFixedRule) {
  for (const Machine& machine : machines) {
    EXPECT_EQ(chosen_precision(Precision::automatic, machine.facts, true), machine.in_a_hurry) << machine.what;
    EXPECT_EQ(chosen_precision(Precision::automatic, machine.facts, false), machine.patient) << machine.what;
    for (const auto named : {Precision::float32, Precision::bfloat16, Precision::float16})
      EXPECT_EQ(chosen_precision(named, machine.facts, true), named) << machine.what;
    const std::string wanted = machine.int8_refusal;
    const auto ask = [&] { return chosen_precision(Precision::int8, machine.facts, false); };
    if (wanted.empty()) {
      EXPECT_EQ(ask(), Precision::int8);
    } else {
      EXPECT_NE(refusal_of(ask, ErrorCode::settings).find(wanted), std::string::npos) << machine.what;
    }
  }
}

}  // namespace
}  // namespace reddiff
