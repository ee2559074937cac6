// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Cards of networks that others have trained: what they must say, and every wrong word in them.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/api/error.h"
#include "core/weights/model_card.h"
#include "tests/core/refusal.h"

namespace reddiff {
namespace {

nlohmann::json guided_card() {
  return {{"format", 1},
          {"name", "others"},
          {"architecture", "guided-unet"},
          {"config", {{"head_channels", 64}, {"attention_order", "heads-outside"}}},
          {"preconditioning", {{"type", "eps"}}},
          {"level", {{"input", "step"}, {"schedule", "linear"}, {"steps", 1000}}},
          {"range", {-1, 1}}};
}

void expect_refused(const nlohmann::json& card, const std::string& part) {
  const std::string text = refusal_of([&] { parse_model_card(card.dump(), "c.json"); });
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(ModelCard, OfOthersNeedsWhatWeightsCannotTell) {
  const ModelCard card = parse_model_card(guided_card().dump(), "c.json");
  ASSERT_TRUE(card.diffusion);
  EXPECT_EQ(card.diffusion->head, Head::eps);
  EXPECT_EQ(card.diffusion->head_channels, 64);
  EXPECT_TRUE(card.diffusion->heads_outside);
  EXPECT_EQ(card.sigma_max, 0);
  EXPECT_EQ(card.bytes, 0u);
  const nlohmann::json whole = guided_card();
  for (const auto& [key, value] : whole.items()) {
    nlohmann::json less = whole;
    less.erase(key);
    expect_refused(less, "'" + key + "'");
  }
}

TEST(ModelCard, OfOthersNamesAFieldThatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"/config/attention_order", "\"new\""},
      {"/config/head_channels", "0"},
      {"/config/heads", "4"},
      {"/config/norm_epsilon", "0"},
      {"/config/frequency_shift", "2"},
      {"/config/halving_pads", "true"},
      {"/preconditioning/type", "\"score\""},
      {"/level/input", "\"time\""},
      {"/level/schedule", "\"sigmoid\""},
      {"/level/steps", "1"},
      {"/level/betas", "[0.5, 0.1]"},
      {"/level/betas", "[0, 0.1]"},
      {"/range", "[1, -1]"},
      {"/range", "[0]"},
      {"/size", "3"},
      {"/fixed_size", "1"},
      {"/sigma", "[5, 1]"},
      {"/sha256", "\"AB\""},
      {"/bytes", "0"},
      {"/dtype", "\"int8\""},
  };
  for (const auto& [path, value] : wrong) {
    SCOPED_TRACE(std::string(path) + " = " + value);
    nlohmann::json card = guided_card();
    card[nlohmann::json::json_pointer(path)] = nlohmann::json::parse(value);
    const std::string field = std::string(path).substr(std::string(path).rfind('/') + 1);
    expect_refused(card, field);
  }
  nlohmann::json card = guided_card();
  card["fixed_size"] = true;
  expect_refused(card, "'size'");
  card = guided_card();
  card["preconditioning"]["type"] = "edm";
  expect_refused(card, "sigma_data");
  card = guided_card();
  card["level"] = {{"input", "sigma"}};
  expect_refused(card, "'sigma'");
}

}  // namespace
}  // namespace reddiff
