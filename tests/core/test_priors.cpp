// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The priors: the network against PyTorch's own output, its two paths against each other, and for every denoiser what
// core/priors/denoiser.h promises.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/api/error.h"
#include "core/priors/conv_unet.h"
#include "core/priors/dct_shrink.h"
#include "core/priors/tiled.h"
#include "tests/core/refusal.h"

namespace reddiff {
namespace {

std::string models() {
  const char* dir = std::getenv("REDDIFF_MODEL_PATH");
  return dir ? dir : "models";
}

const Model& shipped() {
  static const Model model = load_model(models() + "/default.safetensors");
  return model;
}

DenoiserPtr network(ConvPath path) {
  return make_conv_unet(shipped().tensors, shipped().card, at::kCPU, at::kFloat, path);
}

std::string read_text(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path;
  return {std::istreambuf_iterator<char>(stream), {}};
}

at::Tensor noise_like(const at::Tensor& u, std::uint64_t seed) {
  return at::randn(u.sizes(), at::make_generator<at::CPUGeneratorImpl>(seed), u.options());
}

// Smooth colours, an edge and stripes in [-1,1].
at::Tensor picture(std::int64_t height, std::int64_t width) {
  const at::Tensor y = at::linspace(0, 3, height).view({-1, 1}), x = at::linspace(0, 4, width).view({1, -1});
  const at::Tensor edge = (x + y > 3).to(at::kFloat) * 0.4;
  const at::Tensor planes = at::stack({at::sin(x + y), at::cos(2 * y - x), at::sin(2 * x * y / 3)}) * 0.5;
  return (planes + edge + 0.1 * at::sin(30 * x).sign()).clamp(-1, 1).unsqueeze(0).contiguous();
}

at::Tensor level(double sigma) { return at::full({1, 1, 1, 1}, sigma); }

at::Tensor level_map(std::int64_t height, std::int64_t width) {
  const at::Tensor y = at::linspace(0, 1, height).view({-1, 1}), x = at::linspace(0, 1, width).view({1, -1});
  return at::exp(-3 + 2 * x - y + (x > y).to(at::kFloat)).view({1, 1, height, width});
}

double worst(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }
double psnr(const at::Tensor& a, const at::Tensor& b) {
  return -10 * std::log10((a - b).square().mean().item<double>() / 4);
}

// --- the network -----------------------------------------------------------------------------------------------------

class Paths : public testing::TestWithParam<ConvPath> {
 protected:
  void SetUp() override {
    if (GetParam() == ConvPath::fused && !has_fused_convolution())
      GTEST_SKIP() << "this LibTorch has no fused convolutions";
  }
};
INSTANTIATE_TEST_SUITE_P(Network, Paths, testing::Values(ConvPath::plain, ConvPath::fused),
                         [](const auto& instance) { return instance.param == ConvPath::plain ? "Plain" : "Fused"; });

TEST_P(Paths, EqualsPyTorch) {
  for (const std::string name : {"default", "large", "tiny"}) {
    const Model model = load_model(models() + "/" + name + ".safetensors");
    const std::string stored = read_text(models() + "/reference/" + name + ".sha256");
    ASSERT_EQ(stored.substr(0, 64), model.card.sha256) << "the weights are newer: run models/export_reference.py";
    const std::string text = read_text(models() + "/reference/" + name + ".safetensors");
    const NamedTensors reference = parse_safetensors(std::as_bytes(std::span(text)), "reference");
    const DenoiserPtr prior = make_conv_unet(model.tensors, model.card, at::kCPU, at::kFloat, GetParam());
    for (const std::string size : {"aligned", "odd"})
      for (const std::string kind : {"uniform", "varying"}) {
        const std::string picture = size + "." + kind;
        const at::Tensor result = prior->denoise(reference.at(picture + ".input"), reference.at(picture + ".sigma"));
        // A level per pixel goes through the table of film.h, whose rows are interpolated: a sixteenth of a code value.
        const double limit = GetParam() == ConvPath::fused && kind == "varying" ? 5e-4 : 1e-4;
        EXPECT_LT(worst(result, reference.at(picture + ".output")), limit) << name << " " << picture;
      }
  }
}

TEST_P(Paths, TakesEverySize) {
  const DenoiserPtr prior = network(GetParam());
  for (const auto& [height, width] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {1, 40}, {16, 16}, {17, 3}, {50, 33}}) {
    const at::Tensor u = picture(height, width);
    for (const at::Tensor& sigma : {level(0.1), level_map(height, width)}) {
      const at::Tensor result = prior->denoise(u, sigma);
      EXPECT_EQ(result.sizes(), u.sizes());
      EXPECT_TRUE(at::isfinite(result).all().item<bool>());
    }
  }
}

TEST_P(Paths, AConstantMapIsAUniformLevel) {
  const DenoiserPtr prior = network(GetParam());
  const at::Tensor u = picture(48, 32);
  for (const double sigma : {0.003, 0.02, 0.3, 5.0})
    EXPECT_LT(worst(prior->denoise(u, level(sigma)), prior->denoise(u, at::full({1, 1, 48, 32}, sigma))), 1e-4)
        << sigma;
}

TEST_P(Paths, ABatchDoesNotChangeAPicture) {
  const DenoiserPtr prior = network(GetParam());
  const at::Tensor u = at::cat({picture(40, 56), noise_like(picture(40, 56), 1), -picture(40, 56)});
  const at::Tensor levels = at::tensor({0.05f, 0.4f, 1.0f}).view({3, 1, 1, 1}), map = level_map(40, 56);
  const at::Tensor each = prior->denoise(u, levels), shared = prior->denoise(u, level(0.2));
  const at::Tensor mapped = prior->denoise(u, at::cat({map, 0.5 * map, 2 * map}));
  for (std::int64_t i = 0; i < 3; ++i) {
    const at::Tensor one = u.narrow(0, i, 1);
    EXPECT_LT(worst(each.narrow(0, i, 1), prior->denoise(one, levels.narrow(0, i, 1))), 1e-5);
    EXPECT_LT(worst(shared.narrow(0, i, 1), prior->denoise(one, level(0.2))), 1e-5);
  }
  EXPECT_LT(worst(mapped.narrow(0, 2, 1), prior->denoise(u.narrow(0, 2, 1), 2 * map)), 1e-5);
}

TEST_P(Paths, TakesAnyMemoryLayoutAndLeavesItsInputAlone) {
  const DenoiserPtr prior = network(GetParam());
  const at::Tensor u = picture(48, 64), copy = u.clone();
  const at::Tensor expected = prior->denoise(u, level(0.1));
  EXPECT_TRUE(at::equal(u, copy));
  EXPECT_TRUE(at::equal(prior->denoise(u.contiguous(at::MemoryFormat::ChannelsLast), level(0.1)), expected));
  const at::Tensor wide = at::cat({u, u}, 3);
  EXPECT_TRUE(at::equal(prior->denoise(wide.narrow(3, 64, 64), level(0.1)), expected));
}

TEST_P(Paths, ClampsTheLevelToTheCard) {
  const DenoiserPtr prior = network(GetParam());
  const at::Tensor u = picture(32, 32);
  EXPECT_TRUE(at::equal(prior->denoise(u, level(0)), prior->denoise(u, level(prior->sigma_min()))));
  EXPECT_TRUE(at::equal(prior->denoise(u, level(100)), prior->denoise(u, level(prior->sigma_max()))));
}

TEST_P(Paths, ShowsNotANumberInsteadOfHidingIt) {
  at::Tensor u = picture(32, 32);
  u[0][1][5][5] = std::nan("");
  for (const at::Tensor& sigma : {level(0.1), level_map(32, 32)})
    EXPECT_TRUE(at::isnan(network(GetParam())->denoise(u, sigma)).any().item<bool>());
}

TEST(ConvUnet, PathsAgreeForOtherSizesOfNetwork) {
  if (!has_fused_convolution()) GTEST_SKIP() << "this LibTorch has no fused convolutions";
  ModelCard card = shipped().card;
  card.ch = {5, 12, 20}, card.enc = {2, 1}, card.mid = 1, card.dec = {1, 3}, card.e = 6, card.multiple_of = 8;
  card.kinds.clear();
  NamedTensors tensors{{"freq", at::exp(at::linspace(-1, 2, 3))}};
  std::uint64_t seed = 0;
  const auto add = [&](const std::string& name, at::IntArrayRef shape) {
    tensors[name] = noise_like(at::empty(shape), ++seed) *
                    (shape.size() > 1 ? 0.7 / std::sqrt(shape[1] * shape[2] * shape[3]) : 0.1);
  };
  const auto add_block = [&](const std::string& name, std::int64_t c) {
    add(name + "conv1.weight", {c, c, 3, 3}), add(name + "conv2.weight", {c, c, 3, 3});
    add(name + "film.weight", {2 * c, card.e, 1, 1}), add(name + "film.bias", {2 * c});
  };
  add("emb1.weight", {6, 6, 1, 1}), add("emb1.bias", {6}), add("emb2.weight", {6, 6, 1, 1}), add("emb2.bias", {6});
  add("head.weight", {5, 12, 3, 3}), add("head.bias", {5}), add("tail.weight", {12, 5, 3, 3}), add("tail.bias", {12});
  for (const char* name : {"enc.0.0.", "enc.0.1.", "dec.0.0.", "dec.0.1.", "dec.0.2."}) add_block(name, 5);
  for (const char* name : {"enc.1.0.", "dec.1.0."}) add_block(name, 12);
  add_block("mid.0.", 20);
  add("down.0.weight", {12, 5, 2, 2}), add("down.1.weight", {20, 12, 2, 2});
  add("up.0.weight", {20, 12, 1, 1}), add("up.1.weight", {48, 20, 1, 1});
  const DenoiserPtr plain = make_conv_unet(tensors, card, at::kCPU, at::kFloat, ConvPath::plain);
  const DenoiserPtr fused = make_conv_unet(tensors, card, at::kCPU, at::kFloat, ConvPath::fused);
  const at::Tensor u = picture(45, 30);
  for (const at::Tensor& sigma : {level(0.2), level_map(45, 30)})
    EXPECT_LT(worst(plain->denoise(u, sigma), fused->denoise(u, sigma)), 1e-4);
}

TEST(ConvUnet, LowerPrecisionStaysClose) {
  const at::Tensor u = picture(48, 64) + 0.2 * noise_like(picture(48, 64), 3);
  const at::Tensor exact = network(ConvPath::plain)->denoise(u, level(0.2));
  for (const Precision precision : {Precision::bfloat16, Precision::float16}) {
    const DenoiserPtr prior = make_conv_unet(shipped().tensors, shipped().card, at::kCPU, precision);
    const at::Tensor result = prior->denoise(u, level(0.2));
    EXPECT_EQ(result.scalar_type(), at::kFloat);
    EXPECT_GT(psnr(result, exact), 45) << prior->description();
    EXPECT_GT(psnr(prior->denoise(u, level_map(48, 64)), network(ConvPath::plain)->denoise(u, level_map(48, 64))), 40);
  }
}

TEST(ConvUnet, NamesATensorThatDoesNotFit) {
  NamedTensors tensors = shipped().tensors;
  tensors.erase("mid.0.conv2.weight");
  const auto make = [&] { make_conv_unet(tensors, shipped().card, at::kCPU, Precision::float32); };
  EXPECT_NE(refusal_of(make, ErrorCode::wrong_model).find("mid.0.conv2.weight"), std::string::npos);
  tensors["mid.0.conv2.weight"] = at::zeros({3, 3});
  EXPECT_NE(refusal_of(make, ErrorCode::wrong_model).find("[3, 3]"), std::string::npos);
  tensors = shipped().tensors;
  tensors["unknown"] = at::zeros({1});
  make();
}

// --- every denoiser --------------------------------------------------------------------------------------------------

TEST(Denoisers, RemoveNoise) {
  const at::Tensor clean = picture(96, 128);
  for (const DenoiserPtr& prior : {network(ConvPath::plain), make_dct_shrink(at::kCPU)})
    for (const double sigma : {0.1, 0.2, 0.4}) {
      const at::Tensor noisy = clean + sigma * noise_like(clean, 5);
      EXPECT_GT(psnr(prior->denoise(noisy, level(sigma)), clean), psnr(noisy, clean) + 6)
          << prior->description() << sigma;
    }
}

TEST(Denoisers, UseTheLevelOfEveryPixel) {
  const at::Tensor clean = picture(96, 128);
  const at::Tensor sigma = at::cat({at::full({1, 1, 96, 64}, 0.02), at::full({1, 1, 96, 64}, 0.4)}, 3);
  const at::Tensor noisy = clean + sigma * noise_like(clean, 6);
  for (const DenoiserPtr& prior : {network(ConvPath::plain), make_dct_shrink(at::kCPU)}) {
    const double told = psnr(prior->denoise(noisy, sigma), clean);
    for (const double one : {0.02, 0.1, 0.28, 0.4})
      EXPECT_GT(told, psnr(prior->denoise(noisy, level(one)), clean) + 0.5) << prior->description() << one;
  }
}

// --- dct -------------------------------------------------------------------------------------------------------------

TEST(DctShrink, KeepsAPictureWithoutNoise) {
  const DenoiserPtr prior = make_dct_shrink(at::kCPU);
  for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{1, 1}, {2, 7}, {9, 8}, {31, 50}}) {
    const at::Tensor u = picture(height, width), result = prior->denoise(u, level(0));
    EXPECT_EQ(result.sizes(), u.sizes());
    EXPECT_LT(worst(result, u), 0.01) << height << "x" << width;  // what falls below 2.7 times the lowest level
  }
}

TEST(DctShrink, KeepsAConstantPictureAtEveryLevel) {
  const at::Tensor u = at::full({1, 3, 20, 21}, 0.3);
  EXPECT_LT(worst(make_dct_shrink(at::kCPU)->denoise(u, level(1)), u), 1e-5);
}

TEST(DctShrink, ABatchDoesNotChangeABit) {
  const DenoiserPtr prior = make_dct_shrink(at::kCPU);
  const at::Tensor a = picture(45, 37), u = at::cat({a, noise_like(a, 2), -a}), map = level_map(45, 37);
  const at::Tensor levels = at::tensor({0.05f, 0.4f, 1.0f}).view({3, 1, 1, 1});
  const at::Tensor each = prior->denoise(u, levels), mapped = prior->denoise(u, at::cat({map, map, 2 * map}));
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(at::equal(each.narrow(0, i, 1), prior->denoise(u.narrow(0, i, 1), levels.narrow(0, i, 1))));
  EXPECT_TRUE(at::equal(mapped.narrow(0, 2, 1), prior->denoise(u.narrow(0, 2, 1), 2 * map)));
}

TEST(DctShrink, AConstantMapIsAUniformLevel) {
  const DenoiserPtr prior = make_dct_shrink(at::kCPU);
  const at::Tensor u = noise_like(picture(33, 40), 4);
  EXPECT_GT(psnr(prior->denoise(u, level(0.25)), prior->denoise(u, at::full({1, 1, 33, 40}, 0.25))), 80);
}

TEST(DctShrink, BandsLeaveNoTrace) {
  const DenoiserPtr prior = make_dct_shrink(at::kCPU);  // wide enough for several bands, against a crop of one
  const at::Tensor u = picture(120, 1600) + 0.2 * noise_like(picture(120, 1600), 8);
  const at::Tensor whole = prior->denoise(u, level(0.2)), crop = prior->denoise(u.narrow(3, 400, 64), level(0.2));
  EXPECT_GT(psnr(whole.narrow(3, 420, 24), crop.narrow(3, 20, 24)), 80);
}

TEST(ConvUnet, ALevelMayHaveNoBlocks) {
  ModelCard card = shipped().card;
  card.enc.back() = card.dec.front() = 0;
  const at::Tensor u = picture(40, 56);
  const auto with = [&](ConvPath path) {
    return make_conv_unet(shipped().tensors, card, at::kCPU, at::kFloat, path)->denoise(u, level_map(40, 56));
  };
  EXPECT_LT(worst(with(ConvPath::fused), with(ConvPath::plain)), 1e-3);
  EXPECT_GT(worst(with(ConvPath::plain), network(ConvPath::plain)->denoise(u, level_map(40, 56))), 1e-2);
}

// --- tiles -----------------------------------------------------------------------------------------------------------

// Runs out of memory on pictures larger than `limit` pixels a side, else returns what it got; counts its calls.
class SmallMemory final : public Denoiser {
 public:
  explicit SmallMemory(std::int64_t limit, std::int64_t grid = 1) : limit_(limit), grid_(grid) {}
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override {
    ++calls;
    largest = std::max({largest, u.size(2), u.size(3)});
    EXPECT_TRUE(sigma.size(3) == 1 || sigma.size(3) == u.size(3));
    corners.push_back(u[0][0][0][0].item<float>());
    if (u.size(2) > limit_ || u.size(3) > limit_) C10_THROW_ERROR(OutOfMemoryError, "out of memory");
    return u * 1;
  }
  double sigma_min() const override { return 0; }
  double sigma_max() const override { return 1; }
  bool per_pixel_sigma() const override { return true; }
  at::Device device() const override { return at::kCPU; }
  std::string description() const override { return "identity"; }
  std::int64_t grid() const override { return grid_; }
  mutable std::vector<double> corners;
  mutable int calls = 0;
  mutable std::int64_t largest = 0;

 private:
  std::int64_t limit_, grid_;
};

TEST(Tiled, APictureThatFitsGoesStraightThrough) {
  const DenoiserPtr prior = network(ConvPath::plain);
  const TiledDenoiser tiled(prior, {.size = 128, .overlap = 48});
  const at::Tensor u = picture(100, 128);
  EXPECT_TRUE(at::equal(tiled.denoise(u, level(0.2)), prior->denoise(u, level(0.2))));
  EXPECT_EQ(tiled.tiles(100, 128), 1);
}

TEST(Tiled, SeamsAreInvisible) {
  const DenoiserPtr prior = make_conv_unet(shipped().tensors, shipped().card, at::kCPU, Precision::float32);
  const TiledDenoiser tiled(prior, {.size = 256, .overlap = 0});
  const at::Tensor clean = picture(300, 421), map = level_map(300, 421) * 0.5;
  for (const at::Tensor& sigma : {level(0.1), level(0.4), map}) {
    const at::Tensor noisy = clean + sigma * noise_like(clean, 9);
    const at::Tensor difference = (tiled.denoise(noisy, sigma) - prior->denoise(noisy, sigma)).abs() / 2 * 255;
    EXPECT_LT(difference.max().item<double>(), 2);
    EXPECT_LT(difference.mean().item<double>(), 0.1);
  }
  EXPECT_EQ(tiled.tiles(300, 421), 4);
}

TEST(Tiled, CoversEverySizeOnce) {
  for (const auto& [height, width] :
       {std::pair<std::int64_t, std::int64_t>{65, 64}, {64, 129}, {200, 333}, {1, 1000}, {97, 81}}) {
    const auto prior = std::make_shared<SmallMemory>(64);
    const TiledDenoiser tiled(prior, {.size = 64, .overlap = 16});
    const at::Tensor u = at::cat({picture(height, width), -picture(height, width)});
    for (const at::Tensor& sigma : {level(0.1), at::cat({level_map(height, width), level_map(height, width)})})
      EXPECT_LT(worst(tiled.denoise(u, sigma), u), 1e-6) << height << "x" << width;
    EXPECT_EQ(prior->calls, 2 * tiled.tiles(height, width));
    EXPECT_LE(prior->largest, 64);
  }
  // Half a tile need not be a multiple of 16.
  for (const std::int64_t size : {80, 144})
    for (std::int64_t width = 590; width < 610; ++width)
      EXPECT_LT(worst(TiledDenoiser(std::make_shared<SmallMemory>(size), {.size = size, .overlap = 96})
                          .denoise(picture(10, width), level(0.1)),
                      picture(10, width)),
                1e-6)
          << size << " " << width;
}

TEST(Tiled, BeginsWhereThePriorsCellsDo) {
  const auto columns = at::arange(1920, at::kFloat).expand({1, 3, 40, 1920});
  for (const std::int64_t grid : {16, 32, 64}) {
    const auto prior = std::make_shared<SmallMemory>(768, grid);
    TiledDenoiser(prior, {}).denoise(columns, level(0.1));
    EXPECT_GE(prior->calls, 3);
    for (const double corner : prior->corners) EXPECT_EQ(std::fmod(corner, grid), 0) << grid << " " << corner;
  }
}

TEST(Tiled, HalvesItsTilesOnceWhenMemoryRunsOut) {
  const auto prior = std::make_shared<SmallMemory>(128);
  const TiledDenoiser tiled(prior, {.size = 256, .overlap = 16});
  const at::Tensor u = picture(300, 200);
  EXPECT_LT(worst(tiled.denoise(u, level(0.1)), u), 1e-6);
  EXPECT_EQ(tiled.tiles_halved(), 1);
  prior->largest = 0;
  tiled.denoise(u, level(0.1));
  EXPECT_LE(prior->largest, 128);  // and stays there
  EXPECT_EQ(tiled.tiles_halved(), 1);
}

TEST(Tiled, SaysSoWhenHalvingIsNotEnough) {
  const TiledDenoiser tiled(std::make_shared<SmallMemory>(32), {.size = 256, .overlap = 16});
  EXPECT_NE(
      refusal_of([&] { tiled.denoise(picture(300, 200), level(0.1)); }, ErrorCode::out_of_memory).find("tile-size"),
      std::string::npos);
  refusal_of([&] { tiled.denoise(picture(300, 200), level(0.1)); }, ErrorCode::out_of_memory);
}

}  // namespace
}  // namespace reddiff
