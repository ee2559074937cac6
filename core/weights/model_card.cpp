// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/model_card.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "core/api/error_kinds.h"
#include "core/api/files.h"
#include "core/weights/torch_file.h"

namespace reddiff {
namespace {

using nlohmann::json;

constexpr std::uint64_t max_card_bytes = 1u << 20;
constexpr std::uint64_t max_weight_bytes = 8ull << 30;
constexpr std::int64_t max_channels = 4096, max_blocks = 64, max_levels = 8;

[[noreturn]] void refuse(std::string_view file, const std::string& why) {
  throw Error(ErrorCode::wrong_model, "The model card " + std::string(file) + " cannot be used: " + why + ".");
}

void read_conv_unet(const CardFields& root, ModelCard& card) {
  const CardFields config = root.child("config");
  card.ch = config.integers("ch", 2, max_levels, 1, max_channels);
  card.enc = config.integers("enc", card.ch.size() - 1, card.ch.size() - 1, 0, max_blocks);
  card.mid = config.integer("mid", 1, max_blocks);
  card.dec = config.integers("dec", card.ch.size() - 1, card.ch.size() - 1, 0, max_blocks);
  card.e = config.integer("e", 1, max_channels);
  card.multiple_of = root.integer("multiple_of", 1, 1024);
  if (card.multiple_of % (std::int64_t{1} << card.ch.size()) != 0)
    root.wrong("multiple_of",
               "a multiple of " + std::to_string(std::int64_t{1} << card.ch.size()) + " for this many levels");
  card.per_pixel_sigma = root.boolean("per_pixel_sigma");
}

void read_levels(const CardFields& root, ModelCard& card) {
  std::tie(card.sigma_min, card.sigma_max) = root.pair("sigma");
  if (card.sigma_min < 1e-4 || card.sigma_max > 1000 || card.sigma_min >= card.sigma_max)
    root.wrong("sigma", "[lowest, highest] noise level, rising, from 0.0001 to 1000");
}

void read_units(const CardFields& root, ModelCard& card) {
  const CardFields edm = root.child("preconditioning");
  if (edm.text("type") != "edm") edm.wrong("type", "\"edm\", the one kind there is");
  card.sigma_data = edm.number("sigma_data", 1e-3, 10);
  if (root.pair("range") != std::pair(-1.0, 1.0)) root.wrong("range", "[-1, 1], the values the network was trained on");
  read_levels(root, card);
}

void read_file_facts(const CardFields& root, ModelCard& card, bool required) {
  const auto wanted = [&](const char* key) { return required || root.has(key); };
  if (wanted("dtype")) card.dtype = root.text("dtype");
  if (wanted("dtype") && card.dtype != "float32" && card.dtype != "float16" && card.dtype != "bfloat16")
    root.wrong("dtype", "float32, float16 or bfloat16");
  if (wanted("sha256")) card.sha256 = root.text("sha256");
  if (wanted("sha256") &&
      (card.sha256.size() != 64 || card.sha256.find_first_not_of("0123456789abcdef") != std::string::npos))
    root.wrong("sha256", "64 lower-case hexadecimal digits");
  if (wanted("bytes"))
    card.bytes = static_cast<std::uint64_t>(root.integer("bytes", 1, static_cast<std::int64_t>(max_weight_bytes)));
  if (wanted("licence")) card.licence = root.text("licence");
  if (wanted("training")) root.text("training");
  if (wanted("figures")) root.child("figures");
}

// Of a network that others have trained.
void read_diffusion(const CardFields& root, ModelCard& card) {
  const bool script = card.architecture == torchscript;
  card.diffusion = read_diffusion_card(root, !script);
  if (card.diffusion->level != LevelInput::step || root.has("sigma")) read_levels(root, card);
  if (script && !card.diffusion->fixed_size) card.multiple_of = root.integer("multiple_of", 1, 1024);
}

void read_kinds(const CardFields& root, const json& object, ModelCard& card) {
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

FileBytes read_file(const std::string& path, std::uint64_t size) {
  FileBytes bytes(size);
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
    const CardFields root(object, "", file);
    ModelCard card;
    const json& format = root.at("format", "1");
    if (!format.is_number_integer() || format != 1)
      root.wrong("format", "1; a newer release of gst-reddiff may read it");
    card.name = root.text("name");
    constexpr std::pair<const char*, bool> own[] = {
        {"conv-unet", true}, {"guided-unet", false}, {"torchscript", false}};
    const bool ours = root.one_of("architecture", own);
    card.architecture = root.text("architecture");
    if (ours) {
      read_conv_unet(root, card);
      read_units(root, card);
      read_kinds(root, object, card);
    } else {
      read_diffusion(root, card);
    }
    read_file_facts(root, card, ours);
    return card;
  } catch (const json::exception& error) {
    throw Error(ErrorCode::wrong_model, "The model card " + std::string(file) + " cannot be used: it is no valid JSON.",
                error.what());
  }
}

namespace {

void check_against_card(const std::string& path, const ModelCard& card, const FileBytes& file) {
  if (!card.sha256.empty() && sha256_of(file.span()) != card.sha256)
    throw Error(ErrorCode::wrong_model,
                path + " is not the file that its card describes (SHA-256 differs); fetch both files again.");
}

}  // namespace

Model load_model(const std::string& path) {
  const std::uint64_t size = size_of(path, "The model file " + path + " does not exist.");
  const std::string card_path = std::filesystem::path(path).replace_extension(".json").string();
  const std::uint64_t card_size = size_of(card_path, "The model file " + path + " has no card: " + card_path +
                                                         " does not exist; keep the two together under one name.");
  if (card_size > max_card_bytes) refuse(card_path, "it is larger than 1 MiB");
  const FileBytes text = read_file(card_path, card_size);
  Model model{parse_model_card({reinterpret_cast<const char*>(text.data()), card_size}, card_path), {}, {}};

  const ModelCard& card = model.card;
  if (card.bytes != 0 && size != card.bytes)
    throw Error(ErrorCode::wrong_model,
                path + " has " + std::to_string(size) + " bytes where its card says " + std::to_string(card.bytes) +
                    (size < card.bytes ? ": it was cut off" : ": it is another file") + "; fetch both files again.");
  if (size > max_weight_bytes)
    throw Error(ErrorCode::wrong_model, path + " is larger than 8 GiB, which no model here is.");
  model.file = read_file(path, size);
  check_against_card(path, card, model.file);
  const bool script = is_torchscript(model.file.span(), path);
  if (script != (card.architecture == torchscript))
    throw Error(ErrorCode::wrong_model,
                script ? path + " is a TorchScript program where its card says \"" + card.architecture +
                             "\"; give the weights alone, or say \"torchscript\" in the card."
                       : path + " is no TorchScript program, though its card says so; write one with torch.jit.save.");
  if (!script) model.tensors = read_tensors(model.file, path);
  return model;
}

}  // namespace reddiff
