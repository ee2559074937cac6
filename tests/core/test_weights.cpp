// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reading model files: what is right is read exactly, and whatever is wrong is one clear sentence.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/api/files.h"
#include "core/weights/model_card.h"
#include "core/weights/safetensors.h"
#include "tests/core/ordinary_user.h"
#include "tests/core/refusal.h"

namespace reddiff {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::string& text) {
  Bytes bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string length_prefix(std::uint64_t length) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(length >> (8 * i) & 255);
  return text;
}

Bytes safetensors(const std::string& header, const std::string& data) {
  return bytes_of(length_prefix(header.size()) + header + data);
}

template <typename T> std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// The sentence of the Error that `work` throws; fails the test if it throws none or another code.
void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text << "\nlacks: " << part;
}

TEST(Safetensors, ReadsEveryDtypeAsFloat) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F16","shape":[2],"data_offsets":[8,12]},"c":{"dtype":"BF16","shape":[],"data_offsets":[12,14]}}   )";
  const std::string data =
      raw<float>({1.5f, -2.25f}) + raw<std::uint16_t>({0x3c00, 0xc400}) + raw<std::uint16_t>({0x4049});
  const NamedTensors tensors = parse_safetensors(safetensors(header, data), "x");
  ASSERT_EQ(tensors.size(), 3u);
  EXPECT_TRUE(at::equal(tensors.at("a"), at::tensor({1.5f, -2.25f}).view({2, 1})));
  EXPECT_TRUE(at::equal(tensors.at("b"), at::tensor({1.0f, -4.0f})));
  EXPECT_EQ(tensors.at("c").dim(), 0);
  EXPECT_EQ(tensors.at("c").item<float>(), 3.140625f);
}

TEST(Safetensors, OwnsItsMemory) {
  Bytes bytes = safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", raw<float>({7}));
  const NamedTensors tensors = parse_safetensors(bytes, "x");
  std::fill(bytes.begin(), bytes.end(), std::byte{0xff});
  EXPECT_EQ(tensors.at("a").item<float>(), 7);
}

struct Hostile {
  const char* header;
  const char* part;  // of the sentence
};

// Each is followed by eight bytes of data.
const Hostile hostile[] = {
    {"", "too short|no valid JSON"},
    {"[]", "no JSON object"},
    {"{", "no valid JSON"},
    {"{}", "no tensors"},
    {R"({"a":1})", "exactly dtype, shape"},
    {R"({"a":{"dtype":"F32","shape":[2]}})", "exactly dtype, shape"},
    {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":0}})", "exactly dtype, shape"},
    {R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", "F32, F16 and BF16"},
    {R"({"a":{"dtype":32,"shape":[1],"data_offsets":[0,8]}})", "F32, F16 and BF16"},
    {R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", "no proper shape"},
    {R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})", "no proper shape"},
    {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4,8]}})", "no proper shape"},
    {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "no whole number"},
    {R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", "no whole number"},
    {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,"8"]}})", "no whole number"},
    {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})", "outside the file"},
    {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "outside the file"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", "does not fit its data"},
    {R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", "does not fit its data"},
    {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "does not fit its data"},
    {R"({"a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,8]}})", "does not fit its data"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "gap"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "after the last tensor"},
    {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
     "overlaps"},
    {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
     "twice"},
    {R"({"a":{"dtype":"F32","shape":[[[[[2]]]]],"data_offsets":[0,8]}})", "nested too deeply"},
};

TEST(Safetensors, RefusesEveryWrongHeader) {
  for (const Hostile& item : hostile) {
    SCOPED_TRACE(item.header);
    const std::string text = refusal_of(
        [&] {
          parse_safetensors(safetensors(item.header, raw<float>({1, 2})), "f.safetensors");
        },
        ErrorCode::wrong_model);
    expect_contains(text, "f.safetensors");
    const std::string parts = item.part;
    const auto bar = parts.find('|');
    const bool found = text.find(parts.substr(0, bar)) != text.npos ||
                       (bar != parts.npos && text.find(parts.substr(bar + 1)) != text.npos);
    EXPECT_TRUE(found) << text;
  }
}

TEST(Safetensors, RefusesWrongHeaderLengths) {
  const auto refused = [](const std::string& text) {
    return refusal_of([&] { parse_safetensors(bytes_of(text), "f"); }, ErrorCode::wrong_model);
  };
  expect_contains(refused(""), "too short");
  expect_contains(refused(length_prefix(3) + "{}"), "longer than the file");
  expect_contains(refused(length_prefix(~std::uint64_t{0}) + "{}"), "longer than the file");
  expect_contains(refused(length_prefix(5u << 20) + std::string(6u << 20, ' ')), "larger than 4 MiB");
}

TEST(Safetensors, RefusesEveryTruncation) {
  const Bytes whole = safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", raw<float>({1, 2}));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(parse_safetensors(std::span(whole).first(size), "f"), Error) << size;
}

TEST(Safetensors, RefusesValuesThatAreNotFinite) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Bytes bytes =
        safetensors(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", raw<float>({1, value}));
    expect_contains(refusal_of([&] { parse_safetensors(bytes, "f"); }, ErrorCode::wrong_model),
                    "'w' holds values that are not finite");
  }
}

TEST(Safetensors, ShowsNoControlCharactersOfTheFile) {
  const Bytes bytes = safetensors(R"({"\u001b[2J\n":{"dtype":"X","shape":[1],"data_offsets":[0,4]}})", raw<float>({1}));
  const std::string text = refusal_of([&] { parse_safetensors(bytes, "f"); }, ErrorCode::wrong_model);
  EXPECT_EQ(text.find('\x1b'), text.npos);
  EXPECT_EQ(text.find('\n'), text.npos);
}

TEST(Sha256, MatchesThePublishedVector) {
  EXPECT_EQ(sha256_of(bytes_of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

nlohmann::json good_card() {
  return {{"format", 1},
          {"name", "test"},
          {"architecture", "conv-unet"},
          {"config", {{"ch", {8, 16}}, {"enc", {1}}, {"mid", 1}, {"dec", {2}}, {"e", 4}}},
          {"preconditioning", {{"type", "edm"}, {"sigma_data", 0.5}}},
          {"range", {-1, 1}},
          {"sigma", {0.003, 5}},
          {"multiple_of", 4},
          {"per_pixel_sigma", true},
          {"dtype", "float32"},
          {"sha256", std::string(64, 'a')},
          {"bytes", 100},
          {"licence", "LGPL-2.1-or-later"},
          {"training", "none"},
          {"figures", nlohmann::json::object()}};
}

TEST(ModelCard, ReadsEveryField) {
  const ModelCard card = parse_model_card(good_card().dump(), "c.json");
  EXPECT_EQ(card.name, "test");
  EXPECT_EQ(card.ch, (std::vector<std::int64_t>{8, 16}));
  EXPECT_EQ(card.dec, (std::vector<std::int64_t>{2}));
  EXPECT_EQ(card.e, 4);
  EXPECT_EQ(card.sigma_data, 0.5);
  EXPECT_EQ(card.sigma_min, 0.003);
  EXPECT_EQ(card.sigma_max, 5);
  EXPECT_EQ(card.multiple_of, 4);
  EXPECT_TRUE(card.per_pixel_sigma);
  EXPECT_EQ(card.bytes, 100u);
}

TEST(ModelCard, NamesAFieldThatIsMissing) {
  const nlohmann::json whole = good_card();
  for (const auto& [key, value] : whole.items()) {
    nlohmann::json card = whole;
    card.erase(key);
    const std::string text = refusal_of([&] { parse_model_card(card.dump(), "c.json"); }, ErrorCode::wrong_model);
    expect_contains(text, "'" + key + "'");
    expect_contains(text, "c.json");
  }
}

TEST(ModelCard, KeepsTheKindsItHasAUseFor) {
  EXPECT_TRUE(parse_model_card(good_card().dump(), "c.json").kinds.empty());
  nlohmann::json card = good_card();
  card["kinds"] = {"white", "camera", "telescope", "camera"};
  EXPECT_EQ(parse_model_card(card.dump(), "c.json").kinds, std::vector<std::string>{"camera"});
}

TEST(ModelCard, NamesAFieldThatIsWrong) {
  const std::pair<const char*, const char*> wrong[] = {
      {"/format", "2"},
      {"/name", "\"\""},
      {"/architecture", "\"vit\""},
      {"/config", "[]"},
      {"/config/ch", "[8]"},
      {"/config/ch", "[8,100000]"},
      {"/config/ch", "[8,-1]"},
      {"/config/enc", "[1,1]"},
      {"/config/mid", "0"},
      {"/config/mid", "18446744073709551615"},
      {"/config/dec", "[1.5]"},
      {"/config/e", "\"4\""},
      {"/preconditioning/type", "\"vp\""},
      {"/preconditioning/sigma_data", "0"},
      {"/range", "[0,1]"},
      {"/sigma", "[5,0.003]"},
      {"/sigma", "[0,5]"},
      {"/sigma", "[0.1]"},
      {"/multiple_of", "6"},
      {"/per_pixel_sigma", "1"},
      {"/dtype", "\"int8\""},
      {"/sha256", "\"AB\""},
      {"/bytes", "0"},
      {"/licence", "null"},
      {"/figures", "3"},
      {"/kinds", "\"camera\""},
      {"/kinds", "[\"white\", 1]"},
  };
  for (const auto& [path, value] : wrong) {
    SCOPED_TRACE(std::string(path) + " = " + value);
    nlohmann::json card = good_card();
    card[nlohmann::json::json_pointer(path)] = nlohmann::json::parse(value);
    const std::string text = refusal_of([&] { parse_model_card(card.dump(), "c.json"); }, ErrorCode::wrong_model);
    const std::string field = std::string(path).substr(std::string(path).rfind('/') + 1);
    expect_contains(text, field);
  }
  refusal_of([] { parse_model_card("not json", "c.json"); }, ErrorCode::wrong_model);
  refusal_of([] { parse_model_card("[]", "c.json"); }, ErrorCode::wrong_model);
}

class ModelFiles : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = std::filesystem::temp_directory_path() / ("reddiff-weights-" + std::to_string(getpid()) + info->name());
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
    weights_ = safetensors(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", raw<float>({1, 2}));
    card_ = good_card();
    card_["bytes"] = weights_.size();
    card_["sha256"] = sha256_of(weights_);
    path_ = (dir_ / "m.safetensors").string();
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void write_weights(const Bytes& bytes) const {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void write_card() const { std::ofstream(dir_ / "m.json") << card_.dump(); }

  std::filesystem::path dir_;
  std::string path_;
  Bytes weights_;
  nlohmann::json card_;
};

TEST_F(ModelFiles, LoadsAPair) {
  write_weights(weights_);
  write_card();
  const Model model = load_model(path_);
  EXPECT_EQ(model.card.name, "test");
  EXPECT_TRUE(at::equal(model.tensors.at("w"), at::tensor({1.0f, 2.0f})));
}

TEST_F(ModelFiles, SaysWhatIsMissing) {
  expect_contains(refusal_of([&] { load_model(path_); }, ErrorCode::not_found), path_);
  write_weights(weights_);
  expect_contains(refusal_of([&] { load_model(path_); }, ErrorCode::not_found), "m.json does not exist");
}

TEST(FileError, TellsMissingFromUnreadable) {
  // A loop of links leads nowhere.
  for (const auto error :
       {std::errc::no_such_file_or_directory, std::errc::not_a_directory, std::errc::too_many_symbolic_link_levels})
    EXPECT_EQ(file_error("x", std::make_error_code(error)).code(), ErrorCode::not_found);
  for (const auto error : {std::errc::permission_denied, std::errc::io_error})
    EXPECT_EQ(file_error("x", std::make_error_code(error)).code(), ErrorCode::open_read);
}

// Installed by one user, used by another.
TEST_F(ModelFiles, SaysWhatMayNotBeRead) {
  write_weights(weights_);
  write_card();
  const std::string card = (dir_ / "m.json").string();
  for (const std::string& closed : {path_, card, dir_.string()}) {
    const auto before = std::filesystem::status(closed).permissions();
    std::filesystem::permissions(closed, std::filesystem::perms::none);
    std::string text;
    {
      const OrdinaryUser user;
      text = refusal_of([&] { load_model(path_); }, ErrorCode::open_read);
    }
    std::filesystem::permissions(closed, before);
    expect_contains(text, "permissions");
    expect_contains(text, closed);
  }
  EXPECT_EQ(load_model(path_).card.name, "test");
}

TEST_F(ModelFiles, RefusesAFolder) {
  std::filesystem::create_directory(path_);
  refusal_of([&] { load_model(path_); }, ErrorCode::open_read);
}

TEST_F(ModelFiles, RefusesAnotherSizeThanTheCards) {
  write_card();
  Bytes bytes = weights_;
  bytes.pop_back();
  write_weights(bytes);
  expect_contains(refusal_of([&] { load_model(path_); }, ErrorCode::wrong_model), "cut off");
  bytes.resize(weights_.size() + 1);
  write_weights(bytes);
  expect_contains(refusal_of([&] { load_model(path_); }, ErrorCode::wrong_model), "another file");
}

TEST_F(ModelFiles, RefusesAnotherContentThanTheCards) {
  write_card();
  Bytes bytes = weights_;
  bytes.back() = std::byte{0x41};
  write_weights(bytes);
  expect_contains(refusal_of([&] { load_model(path_); }, ErrorCode::wrong_model), "SHA-256 differs");
}

TEST_F(ModelFiles, RefusesWeightsThatAreNotFiniteThoughTheCardFits) {
  const Bytes bytes =
      safetensors(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", raw<float>({1, std::nanf("")}));
  card_["sha256"] = sha256_of(bytes);
  write_weights(bytes);
  write_card();
  expect_contains(refusal_of([&] { load_model(path_); }, ErrorCode::wrong_model), "not finite");
}

TEST(ShippedModel, Loads) {
  const char* dir = std::getenv("REDDIFF_MODEL_PATH");
  ASSERT_NE(dir, nullptr);
  const Model model = load_model(std::string(dir) + "/default.safetensors");
  EXPECT_EQ(model.card.name, "default");
  EXPECT_EQ(model.tensors.count("head.weight"), 1u);
}

}  // namespace
}  // namespace reddiff
