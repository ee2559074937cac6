// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/model_card.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "core/api/error_kinds.h"
#include "core/api/files.h"

namespace reddiff {
namespace {

using nlohmann::json;

constexpr std::uint64_t max_card_bytes = 1u << 20;
constexpr std::uint64_t max_weight_bytes = 2ull << 30;
constexpr std::int64_t max_channels = 4096, max_blocks = 64, max_levels = 8;

[[noreturn]] void refuse(std::string_view file, const std::string& why) {
  throw Error(ErrorCode::wrong_model, "The model card " + std::string(file) + " cannot be used: " + why + ".");
}

// One object of the card, with the words for its errors.
class Fields {
 public:
  Fields(const json& object, std::string path, std::string_view file)
      : object_(object), path_(std::move(path)), file_(file) {}

  [[noreturn]] void wrong(const char* key, const std::string& expected) const {
    refuse(file_, "field '" + path_ + key + "' must be " + expected);
  }

  const json& at(const char* key, const char* expected) const {
    const auto found = object_.find(key);
    if (found == object_.end()) wrong(key, std::string(expected) + ", and is missing");
    return *found;
  }

  Fields child(const char* key) const {
    const json& value = at(key, "an object");
    if (!value.is_object()) wrong(key, "an object");
    return Fields(value, path_ + key + ".", file_);
  }

  std::string text(const char* key) const {
    const json& value = at(key, "a text");
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) wrong(key, "a text");
    return value.get<std::string>();
  }

  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high) const {
    return bounded(key, at(key, "a whole number"), low, high);
  }

  std::vector<std::int64_t> integers(const char* key, std::size_t at_least, std::size_t at_most, std::int64_t low,
                                     std::int64_t high) const {
    const std::string expected = "a list of " + std::to_string(at_least) +
                                 (at_least == at_most ? "" : " to " + std::to_string(at_most)) +
                                 " whole numbers from " + std::to_string(low) + " to " + std::to_string(high);
    const json& value = at(key, expected.c_str());
    if (!value.is_array() || value.size() < at_least || value.size() > at_most) wrong(key, expected);
    std::vector<std::int64_t> numbers;
    for (const json& element : value) numbers.push_back(bounded(key, element, low, high));
    return numbers;
  }

  double number(const char* key, const json& value) const {
    if (!value.is_number() || !std::isfinite(value.get<double>())) wrong(key, "a finite number");
    return value.get<double>();
  }

  std::pair<double, double> pair(const char* key) const {
    const json& value = at(key, "a list of two numbers");
    if (!value.is_array() || value.size() != 2) wrong(key, "a list of two numbers");
    return {number(key, value[0]), number(key, value[1])};
  }

 private:
  std::int64_t bounded(const char* key, const json& value, std::int64_t low, std::int64_t high) const {
    const std::string expected =
        std::string("a whole number from ") + std::to_string(low) + " to " + std::to_string(high);
    if (!value.is_number_integer()) wrong(key, expected);
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(high))
      wrong(key, expected);
    const std::int64_t number = value.get<std::int64_t>();
    if (number < low || number > high) wrong(key, expected);
    return number;
  }

  const json& object_;
  std::string path_;
  std::string_view file_;
};

void read_network(const Fields& root, ModelCard& card) {
  card.architecture = root.text("architecture");
  if (card.architecture != "conv-unet") root.wrong("architecture", "\"conv-unet\", the one architecture there is");
  const Fields config = root.child("config");
  card.ch = config.integers("ch", 2, max_levels, 1, max_channels);
  card.enc = config.integers("enc", card.ch.size() - 1, card.ch.size() - 1, 0, max_blocks);
  card.mid = config.integer("mid", 1, max_blocks);
  card.dec = config.integers("dec", card.ch.size() - 1, card.ch.size() - 1, 0, max_blocks);
  card.e = config.integer("e", 1, max_channels);
  card.multiple_of = root.integer("multiple_of", 1, 1024);
  if (card.multiple_of % (std::int64_t{1} << card.ch.size()) != 0)
    root.wrong("multiple_of",
               "a multiple of " + std::to_string(std::int64_t{1} << card.ch.size()) + " for this many levels");
  const json& per_pixel = root.at("per_pixel_sigma", "true or false");
  if (!per_pixel.is_boolean()) root.wrong("per_pixel_sigma", "true or false");
  card.per_pixel_sigma = per_pixel.get<bool>();
}

void read_units(const Fields& root, ModelCard& card) {
  const Fields edm = root.child("preconditioning");
  if (edm.text("type") != "edm") edm.wrong("type", "\"edm\", the one kind there is");
  card.sigma_data = edm.number("sigma_data", edm.at("sigma_data", "a number"));
  if (card.sigma_data < 1e-3 || card.sigma_data > 10) edm.wrong("sigma_data", "from 0.001 to 10");
  if (root.pair("range") != std::pair(-1.0, 1.0)) root.wrong("range", "[-1, 1], the values the network was trained on");
  std::tie(card.sigma_min, card.sigma_max) = root.pair("sigma");
  if (card.sigma_min < 1e-4 || card.sigma_max > 1000 || card.sigma_min >= card.sigma_max)
    root.wrong("sigma", "[lowest, highest] noise level, rising, from 0.0001 to 1000");
}

void read_file_facts(const Fields& root, ModelCard& card) {
  card.dtype = root.text("dtype");
  if (card.dtype != "float32" && card.dtype != "float16" && card.dtype != "bfloat16")
    root.wrong("dtype", "float32, float16 or bfloat16");
  card.sha256 = root.text("sha256");
  if (card.sha256.size() != 64 || card.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)
    root.wrong("sha256", "64 lower-case hexadecimal digits");
  card.bytes = static_cast<std::uint64_t>(root.integer("bytes", 1, static_cast<std::int64_t>(max_weight_bytes)));
  card.licence = root.text("licence");
  root.text("training");
  root.child("figures");
}

void read_kinds(const Fields& root, const json& object, ModelCard& card) {
  const auto found = object.find("kinds");
  if (found == object.end()) return;
  const char* expected = "a list of texts";
  if (!found->is_array()) root.wrong("kinds", expected);
  for (const json& kind : *found) {
    if (!kind.is_string()) root.wrong("kinds", expected);
    const auto known = std::find(std::begin(error_kind::others), std::end(error_kind::others), kind.get<std::string>());
    if (known != std::end(error_kind::others) &&
        std::find(card.kinds.begin(), card.kinds.end(), *known) == card.kinds.end())
      card.kinds.emplace_back(*known);
  }
}

std::vector<std::byte> read_file(const std::string& path, std::uint64_t size) {
  std::vector<std::byte> bytes(size);
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw file_error(path, std::error_code(errno ? errno : EIO, std::generic_category()));
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (static_cast<std::uint64_t>(stream.gcount()) != size)
    throw Error(ErrorCode::open_read, path + " cannot be read to its end; check the disk it lies on.");
  return bytes;
}

// `missing`: the sentence where there is no such file.
std::uint64_t size_of(const std::string& path, const std::string& missing) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (error && is_missing(error)) throw Error(ErrorCode::not_found, missing, error.message());
  if (!error && !std::filesystem::is_regular_file(status)) throw Error(ErrorCode::open_read, path + " is not a file.");
  const std::uint64_t size = error ? 0 : std::filesystem::file_size(path, error);
  if (error) throw file_error(path, error);
  return size;
}

}  // namespace

std::string sha256_of(std::span<const std::byte> bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr) != 1)
    throw Error(ErrorCode::library, "SHA-256 is not available from libcrypto, so model files cannot be verified.");
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

ModelCard parse_model_card(std::string_view text, std::string_view file) {
  try {
    const json object = json::parse(text.begin(), text.end());
    if (!object.is_object()) refuse(file, "it is no JSON object");
    const Fields root(object, "", file);
    ModelCard card;
    const json& format = root.at("format", "1");
    if (!format.is_number_integer() || format != 1)
      root.wrong("format", "1; a newer release of gst-reddiff may read it");
    card.name = root.text("name");
    read_network(root, card);
    read_units(root, card);
    read_file_facts(root, card);
    read_kinds(root, object, card);
    return card;
  } catch (const json::exception& error) {
    throw Error(ErrorCode::wrong_model, "The model card " + std::string(file) + " cannot be used: it is no valid JSON.",
                error.what());
  }
}

Model load_model(const std::string& path) {
  const std::uint64_t size = size_of(path, "The model file " + path + " does not exist.");
  const std::string card_path = std::filesystem::path(path).replace_extension(".json").string();
  const std::uint64_t card_size = size_of(card_path, "The model file " + path + " has no card: " + card_path +
                                                         " does not exist; keep the two together under one name.");
  if (card_size > max_card_bytes) refuse(card_path, "it is larger than 1 MiB");
  const std::vector<std::byte> card_bytes = read_file(card_path, card_size);
  const std::string_view text(reinterpret_cast<const char*>(card_bytes.data()), card_bytes.size());
  Model model{parse_model_card(text, card_path), {}};

  if (size != model.card.bytes)
    throw Error(ErrorCode::wrong_model, path + " has " + std::to_string(size) + " bytes where its card says " +
                                            std::to_string(model.card.bytes) +
                                            (size < model.card.bytes ? ": it was cut off" : ": it is another file") +
                                            "; fetch both files again.");
  const std::vector<std::byte> bytes = read_file(path, size);
  if (sha256_of(bytes) != model.card.sha256)
    throw Error(ErrorCode::wrong_model,
                path + " is not the file that its card describes (SHA-256 differs); fetch both files again.");
  model.tensors = parse_safetensors(bytes, path);
  return model;
}

}  // namespace reddiff
