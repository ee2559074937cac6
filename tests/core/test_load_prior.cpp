// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From names and paths to networks: which files are found, what is shared, what is said when there is none.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "core/api/error.h"
#include "core/priors/load_prior.h"
#include "core/registry.h"
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
  DenoiserPtr a = load_conv_unet("default", dirs, at::kCPU, Precision::float32);
  EXPECT_EQ(a, load_conv_unet(models() + "/default.safetensors", "", at::kCPU, Precision::float32));
  EXPECT_NE(a, load_conv_unet("default", dirs, at::kCPU, Precision::bfloat16));
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

}  // namespace
}  // namespace reddiff
