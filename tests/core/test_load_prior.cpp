// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From names and paths to networks: which files are found, what is shared, what is said when there is none.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "core/api/error.h"
#include "core/priors/diffusion_denoiser.h"
#include "core/priors/guided_unet.h"
#include "core/priors/load_prior.h"
#include "core/registry.h"
#include "tests/core/guided_networks.h"
#include "tests/core/ordinary_user.h"

namespace reddiff {
namespace {

namespace fs = std::filesystem;

std::string models() {
  const char* dir = std::getenv("REDDIFF_MODEL_PATH");
  return dir ? dir : "models";
}

std::string refusal(const std::string& name, const std::string& dirs, ErrorCode expected = ErrorCode::not_found) {
  try {
    make_prior({name, dirs, at::kCPU, Precision::float32});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), expected) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

// A folder of links to the weights of `tiny`, as caches of models have them, each with a card of its own.
class OwnModels : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void add(const std::string& name, const char* per_pixel_sigma) const {
    fs::create_symlink(fs::path(models()) / "tiny.safetensors", folder_ / (name + ".safetensors"));
    std::stringstream card;
    card << std::ifstream(fs::path(models()) / "tiny.json").rdbuf();
    std::ofstream(folder_ / (name + ".json")) << std::regex_replace(
        card.str(), std::regex("\"per_pixel_sigma\": true"), std::string("\"per_pixel_sigma\": ") + per_pixel_sigma);
    fs::last_write_time(folder_ / (name + ".json"), fs::file_time_type{});  // packages give all files one time
  }

  fs::path folder_ = fs::temp_directory_path() / ("reddiff-own-models-" + std::to_string(getpid()));
};

TEST(LoadPrior, SharesWhatIsAlive) {
  const std::string dirs = "/nonexistent:" + models();
  DenoiserPtr a = load_network({"default", dirs, at::kCPU, Precision::float32});
  EXPECT_EQ(a, load_network({models() + "/default.safetensors", "", at::kCPU, Precision::float32}));
  EXPECT_NE(a, load_network({"default", dirs, at::kCPU, Precision::bfloat16}));
  const std::weak_ptr<const Denoiser> watch = a;
  a.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(LoadPrior, SaysWhereItLooked) {
  const std::string text = refusal("nosuch", "/nonexistent:" + models());
  for (const std::string& part : {std::string("nosuch"), std::string("/nonexistent"), models()})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  for (const auto& entry : prior_registry()) EXPECT_NE(text.find(entry.name), std::string::npos) << text;
  EXPECT_NE(refusal("nosuch", "").find("REDDIFF_MODEL_PATH"), std::string::npos);
  EXPECT_NE(refusal("/nonexistent/m.safetensors", models()).find("/nonexistent/m.safetensors"), std::string::npos);
}

TEST_F(OwnModels, AreFoundByName) {
  add("mine", "true");
  EXPECT_TRUE(make_prior({"mine", models() + ":" + folder_.string(), at::kCPU, Precision::float32}));
  EXPECT_NE(refusal("yours", folder_.string()).find("mine"), std::string::npos);
}

// Found by name or by path, in a folder that this user may not search.
TEST_F(OwnModels, AreUnreadableAndNotMissing) {
  add("mine", "true");
  const fs::path path = folder_ / "mine.safetensors";
  fs::permissions(folder_, fs::perms::none);
  std::string by_name, by_path;
  {
    const OrdinaryUser user;
    by_name = refusal("mine", "/nonexistent:" + folder_.string(), ErrorCode::open_read);
    by_path = refusal(path.string(), "", ErrorCode::open_read);
  }
  fs::permissions(folder_, fs::perms::owner_all);
  for (const std::string& text : {by_name, by_path}) {
    EXPECT_NE(text.find("permissions"), std::string::npos) << text;
    EXPECT_NE(text.find(path.string()), std::string::npos) << text;
  }
}

TEST_F(OwnModels, AreToldApartByTheirCards) {
  add("pixels", "true");
  add("pictures", "false");
  const auto load = [&](const char* name) {
    return make_prior({name, folder_.string(), at::kCPU, Precision::float32});
  };
  const auto pixels = load("pixels"), pictures = load("pictures");
  EXPECT_TRUE(pixels->per_pixel_sigma());
  EXPECT_FALSE(pictures->per_pixel_sigma());
}

// --- networks that others have trained ------------------------------------------------------------------------------

class ForeignModels : public OwnModels {
 protected:
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  // A program that is told x and the level, and its card.
  void write_script(const std::string& body, const std::string& level = "sigma") const {
    torch::jit::Module module("denoiser");
    module.define("def forward(self, x" + std::string(level == "none" ? "" : ", level") + "):\n" + body);
    module.save(at("script.ts"));
    const nlohmann::json card = {{"format", 1},
                                 {"name", "script"},
                                 {"architecture", "torchscript"},
                                 {"preconditioning", {{"type", "denoiser"}}},
                                 {"level", {{"input", level}}},
                                 {"range", {-1, 1}},
                                 {"sigma", {0.01, 10}},
                                 {"multiple_of", 8}};
    write("script.json", card.dump());
  }

  DenoiserPtr load(const std::string& name, bool allow_code = false, Precision precision = Precision::float32) const {
    return make_prior({at(name), "", at::kCPU, precision, allow_code});
  }

  std::string refused(const std::string& name, ErrorCode code, bool allow_code = true) const {
    try {
      load(name, allow_code);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
  }
};

const at::Tensor half_level = at::full({1, 1, 1, 1}, 0.5);

TEST_F(ForeignModels, AGuidedUnetNeedsOnlyAShortCard) {
  write("u.safetensors", safetensors_of(weights_of("updown")));
  write("u.json", card_file("updown").dump());
  const DenoiserPtr prior = load("u.safetensors");
  const at::Tensor u = weight("u", {1, 3, 21, 34});
  const auto net = make_guided_unet(weights_of("updown"), card_of("updown"), at::kCPU, at::kFloat);
  const at::Tensor expected = DiffusionDenoiser(net, card_of("updown")).denoise(u, half_level);
  EXPECT_LT((prior->denoise(u, half_level) - expected).abs().max().item<double>(), 1e-5);
  EXPECT_NE(prior->description().find("guided-unet"), std::string::npos);
  EXPECT_FALSE(prior->per_pixel_sigma());
  EXPECT_EQ(prior, load("u.safetensors"));
  EXPECT_NE(load("u.safetensors", false, Precision::bfloat16)->description().find("BFloat16"), std::string::npos);
}

TEST_F(ForeignModels, AreFoundByNameWithAnyEnding) {
  write("u.safetensors", safetensors_of(weights_of("updown")));
  for (const char* ending : {".pt", ".pth"}) {
    fs::rename(fs::path(at("u.safetensors")), fs::path(at(std::string("u") + ending)));
    write("u.json", card_file("updown").dump());
    EXPECT_TRUE(make_prior({"u", folder_.string(), at::kCPU, Precision::float32}));
    EXPECT_NE(refusal("v", folder_.string()).find("Models found: u"), std::string::npos);
    fs::rename(fs::path(at(std::string("u") + ending)), fs::path(at("u.safetensors")));
  }
}

TEST_F(ForeignModels, AProgramRunsOnlyIfItMay) {
  write_script("  return x / (1 + level.view(-1, 1, 1, 1) ** 2)\n");
  const std::string text = refused("script.ts", ErrorCode::settings, false);
  for (const char* part : {"script.ts", "TorchScript", "allow-code=true"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  const DenoiserPtr prior = load("script.ts", true);
  const at::Tensor u = weight("u", {2, 3, 21, 34});
  EXPECT_LT((prior->denoise(u, half_level) - u / 1.25).abs().max().item<double>(), 1e-6);
  refused("script.ts", ErrorCode::settings, false);  // though it is in memory
  ASSERT_TRUE(prior->differentiable());
  const auto v = [](const at::Tensor& denoised) { return at::ones_like(denoised); };
  const auto found = prior->differentiable()->denoise_with_gradient(u, half_level, v);
  EXPECT_LT((found.gradient - 1 / 1.25).abs().max().item<double>(), 1e-6);
}

TEST_F(ForeignModels, AProgramMayHaveNoGradient) {
  write_script("  return x.detach()\n");
  EXPECT_FALSE(load("script.ts", true)->differentiable());
}

TEST_F(ForeignModels, AProgramMayBeToldNoLevel) {
  write_script("  return 0.5 * x\n", "none");
  const at::Tensor u = weight("u", {1, 3, 8, 8});
  EXPECT_LT((load("script.ts", true)->denoise(u, half_level) - 0.5 * u).abs().max().item<double>(), 1e-6);
}

TEST_F(ForeignModels, WhatAProgramDoesWrongIsSaidWhenItIsLoaded) {
  const std::pair<const char*, const char*> wrong[] = {
      {"  return x[:, :2]\n", "no picture of 3 channels"},
      {"  return x[:, :, 1:]\n", "no picture of 3 channels"},
      {"  return (x, level)\n", "no tensor"},
      {"  return x + level.view(7)\n", "cannot be used"},
      {"  assert False, 'some words'\n  return x\n", "some words"},
  };
  for (const auto& [body, part] : wrong) {
    write_script(body);
    const std::string text = refused("script.ts", ErrorCode::wrong_model);
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    fs::last_write_time(at("script.ts"), fs::file_time_type{});
  }
}

TEST_F(ForeignModels, FileAndCardAreOfOneKind) {
  write_script("  return x\n");
  nlohmann::json card = card_file("updown");
  write("script.json", card.dump());
  EXPECT_NE(refused("script.ts", ErrorCode::wrong_model).find("is a TorchScript program where its card says"),
            std::string::npos);
  write_script("  return x\n");
  fs::rename(at("script.json"), at("weights.json"));
  write("weights.pt", safetensors_of(weights_of("updown")));
  EXPECT_NE(refused("weights.pt", ErrorCode::wrong_model).find("no TorchScript program"), std::string::npos);
  // A program under another name stays one.
  fs::copy_file(at("script.ts"), at("other.pt"));
  fs::copy_file(at("weights.json"), at("other.json"));
  EXPECT_NE(refused("other.pt", ErrorCode::settings, false).find("allow-code"), std::string::npos);
}

}  // namespace
}  // namespace reddiff
