// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Kinds of error: a prior's second set of small tensors, on convolutions that serve all.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>

#include "core/api/error.h"
#include "core/priors/conv_unet.h"
#include "core/priors/dct_shrink.h"
#include "core/priors/load_prior.h"
#include "core/priors/tiled.h"
#include "tests/core/refusal.h"

namespace reddiff {
namespace {

using Names = std::vector<std::string>;

std::string models() {
  const char* dir = std::getenv("REDDIFF_MODEL_PATH");
  return dir ? dir : "models";
}

bool is_own(const std::string& name) {
  for (const char* begin : {"head.", "tail.", "emb"})
    if (name.starts_with(begin)) return true;
  return name.find(".film.") != std::string::npos;
}

at::Tensor noise(at::IntArrayRef shape, std::uint64_t seed) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(seed), at::kFloat);
}

// A shipped network as it is for white noise.
Model white_model() {
  Model model = load_model(models() + "/tiny.safetensors");
  std::erase_if(model.tensors, [](const auto& entry) { return entry.first.starts_with("kinds."); });
  model.card.kinds.clear();
  return model;
}

// Weights that differ from white noise's.
NamedTensors own_set(const NamedTensors& tensors) {
  NamedTensors own;
  for (const auto& [name, tensor] : tensors)
    if (is_own(name)) own[name] = tensor * 1.1 + 0.01 * noise(tensor.sizes(), own.size());
  return own;
}

Model camera_model() {
  Model model = white_model();
  for (const auto& [name, tensor] : own_set(model.tensors)) model.tensors["kinds.camera." + name] = tensor;
  model.card.kinds = {"camera"};
  return model;
}

DenoiserPtr network(const Model& model, ConvPath path = ConvPath::plain) {
  return make_conv_unet(model.tensors, model.card, at::kCPU, at::kFloat, path);
}

const at::Tensor& picture() {
  static const at::Tensor u = noise({1, 3, 40, 56}, 1) * 0.4;
  return u;
}

// One level, and one that varies.
std::vector<at::Tensor> levels() {
  const at::Tensor map = at::linspace(0.02, 0.5, 56).view({1, 1, 1, 56}).expand({1, 1, 40, 56});
  return {at::full({1, 1, 1, 1}, 0.1), map};
}

std::vector<ConvPath> paths() {
  return has_fused_convolution() ? std::vector{ConvPath::plain, ConvPath::fused} : std::vector{ConvPath::plain};
}

TEST(Kinds, EveryPriorKnowsWhiteNoise) {
  for (const DenoiserPtr& prior : {make_dct_shrink(at::kCPU), network(white_model())}) {
    EXPECT_EQ(prior->kinds(), Names{"white"});
    EXPECT_EQ(prior->for_kind("white"), prior.get());
    EXPECT_EQ(prior->for_kind("camera"), nullptr);
    const TiledDenoiser tiled(prior, {});
    EXPECT_EQ(tiled.kinds(), Names{"white"});
    EXPECT_EQ(tiled.for_kind("white"), &tiled);
    EXPECT_EQ(tiled.for_kind("camera"), nullptr);
  }
}

TEST(Kinds, WhiteNoiseStaysToTheBit) {
  for (const ConvPath path : paths()) {
    const DenoiserPtr before = network(white_model(), path), after = network(camera_model(), path);
    for (const at::Tensor& sigma : levels()) {
      const at::Tensor expected = before->denoise(picture(), sigma);
      EXPECT_TRUE(at::equal(after->denoise(picture(), sigma), expected));
      after->for_kind("camera")->denoise(picture(), sigma);
      EXPECT_TRUE(at::equal(after->denoise(picture(), sigma), expected)) << "after a call of the other kind";
    }
  }
}

TEST(Kinds, AKindIsItsSmallTensorsOnTheSharedConvolutions) {
  Model alone = white_model();
  for (const auto& [name, tensor] : own_set(alone.tensors)) alone.tensors[name] = tensor;
  for (const ConvPath path : paths()) {
    const DenoiserPtr prior = network(camera_model(), path), expected = network(alone, path);
    EXPECT_EQ(prior->kinds(), (Names{"white", "camera"}));
    const Denoiser* camera = prior->for_kind("camera");
    ASSERT_NE(camera, nullptr);
    EXPECT_EQ(camera->for_kind("camera"), camera);
    EXPECT_EQ(prior->for_kind("codec"), nullptr);
    EXPECT_NE(camera->description(), prior->description());
    for (const at::Tensor& sigma : levels()) {
      const at::Tensor result = camera->denoise(picture(), sigma);
      EXPECT_TRUE(at::equal(result, expected->denoise(picture(), sigma)));
      EXPECT_FALSE(at::equal(result, prior->denoise(picture(), sigma)));
    }
  }
}

TEST(Kinds, EqualPyTorch) {
  for (const std::string name : {"default", "large", "tiny"}) {
    const Model model = load_model(models() + "/" + name + ".safetensors");
    std::ifstream stream(models() + "/reference/" + name + ".safetensors", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    const NamedTensors reference = parse_safetensors(std::as_bytes(std::span(text)), "reference");
    EXPECT_LT(text.size(), 200'000u);
    for (const std::string& kind : model.card.kinds)
      for (const ConvPath path : paths()) {
        const at::Tensor result =
            network(model, path)
                ->for_kind(kind)
                ->denoise(reference.at("aligned.varying.input"), reference.at("aligned.varying.sigma"));
        const at::Tensor& expected = reference.at("kinds." + kind + ".output");
        EXPECT_LT((result - expected).abs().max().item<double>(), path == ConvPath::fused ? 5e-4 : 1e-4) << name;
      }
  }
}

TEST(Kinds, NamesATensorThatDoesNotFit) {
  const Model whole = camera_model();
  int count = 0;
  for (const auto& [name, tensor] : whole.tensors) {
    if (!name.starts_with("kinds.camera.")) continue;
    ++count;
    Model model = whole;
    model.tensors.erase(name);
    EXPECT_NE(refusal_of([&] { network(model); }).find("has no tensor '" + name + "'"), std::string::npos);
    model.tensors[name] = at::zeros({3, 3});
    const std::string text = refusal_of([&] { network(model); });
    EXPECT_NE(text.find("'" + name + "' of shape [3, 3]"), std::string::npos) << text;
    model.card.kinds.clear();
    network(model);  // a card that does not name the kind has nothing to say about its tensors
  }
  EXPECT_GT(count, 8);
}

TEST(Kinds, TilesServeEachKind) {
  const DenoiserPtr prior = network(camera_model());
  const TiledDenoiser tiled(prior, {.size = 64, .overlap = 16});
  EXPECT_EQ(tiled.kinds(), prior->kinds());
  const Denoiser* camera = tiled.for_kind("camera");
  ASSERT_NE(camera, nullptr);
  EXPECT_EQ(camera->for_kind("camera"), camera);
  EXPECT_EQ(tiled.for_kind("codec"), nullptr);
  Model alone = white_model();
  for (const auto& [name, tensor] : own_set(alone.tensors)) alone.tensors[name] = tensor;
  const TiledDenoiser expected(network(alone), {.size = 64, .overlap = 16});
  const at::Tensor u = noise({1, 3, 100, 150}, 2), sigma = at::full({1, 1, 1, 1}, 0.1);
  EXPECT_GT(tiled.tiles(100, 150), 1);
  EXPECT_TRUE(at::equal(camera->denoise(u, sigma), expected.denoise(u, sigma)));
}

// Runs out of memory on pictures larger than 64 pixels a side.
class SmallMemory final : public Denoiser {
 public:
  explicit SmallMemory(const Denoiser* camera) : camera_(camera) {}
  at::Tensor denoise(const at::Tensor& u, const at::Tensor&) const override {
    if (u.size(2) > 64 || u.size(3) > 64) C10_THROW_ERROR(OutOfMemoryError, "out of memory");
    return u * 1;
  }
  double sigma_min() const override { return 0; }
  double sigma_max() const override { return 1; }
  bool per_pixel_sigma() const override { return true; }
  at::Device device() const override { return at::kCPU; }
  std::vector<std::string> kinds() const override { return camera_ ? Names{"white", "camera"} : Names{"camera"}; }
  const Denoiser* for_kind(std::string_view kind) const override { return kind == "camera" ? camera_ : this; }
  std::string description() const override { return "identity"; }

 private:
  const Denoiser* camera_;
};

TEST(Kinds, TilesAreHalvedForAllKinds) {
  const SmallMemory camera(nullptr);
  const TiledDenoiser tiled(std::make_shared<SmallMemory>(&camera), {.size = 128, .overlap = 16});
  tiled.for_kind("camera")->denoise(noise({1, 3, 100, 100}, 3), at::full({1, 1, 1, 1}, 0.1));
  EXPECT_EQ(tiled.tiles_halved(), 1);
  EXPECT_GT(tiled.tiles(100, 100), 1);
}

void write_model(const Model& model, nlohmann::json card, const std::filesystem::path& path) {
  nlohmann::json header;
  std::string data;
  for (const auto& [name, tensor] : model.tensors) {
    const std::string bytes(static_cast<const char*>(tensor.contiguous().const_data_ptr()), tensor.nbytes());
    header[name] = {
        {"dtype", "F32"}, {"shape", tensor.sizes().vec()}, {"data_offsets", {data.size(), data.size() + bytes.size()}}};
    data += bytes;
  }
  const std::string text = header.dump();
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(text.size() >> (8 * i) & 255);
  file += text + data;
  std::ofstream(path, std::ios::binary) << file;
  card["dtype"] = "float32";
  card["bytes"] = file.size();
  card["sha256"] = sha256_of(std::as_bytes(std::span(file)));
  std::ofstream(std::filesystem::path(path).replace_extension(".json")) << card.dump();
}

TEST(Kinds, AFileHoldsThem) {
  const std::filesystem::path dir =
      std::filesystem::temp_directory_path() / ("reddiff-kinds-" + std::to_string(getpid()));
  std::filesystem::create_directories(dir);
  std::ifstream stream(models() + "/tiny.json");
  nlohmann::json card = nlohmann::json::parse(stream);
  // "telescope" stands for what a later release may know.
  card["kinds"] = {"white", "telescope", "camera"};
  write_model(camera_model(), card, dir / "m.safetensors");
  const DenoiserPtr prior = load_network({"m", dir.string(), at::kCPU, Precision::float32});
  EXPECT_EQ(prior->kinds(), (Names{"white", "camera"}));
  card.erase("kinds");
  write_model(camera_model(), card, dir / "plain.safetensors");
  EXPECT_EQ(load_network({"plain", dir.string(), at::kCPU, Precision::float32})->kinds(), Names{"white"});
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace reddiff
