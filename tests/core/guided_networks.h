// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The small guided-diffusion networks of data/make_guided_reference.py: weights, cards and files of theirs.
#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/weights/model_card.h"
#include "core/weights/safetensors.h"

namespace reddiff {

inline std::string read_data(const std::string& name) {
  const char* folder = std::getenv("REDDIFF_TEST_DATA");
  std::ifstream stream(std::string(folder ? folder : "tests/core/data") + "/" + name, std::ios::binary);
  EXPECT_TRUE(stream) << name;
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline const nlohmann::json& networks() {
  static const auto object = nlohmann::json::parse(read_data("guided_reference.json"));
  return object;
}

inline const NamedTensors& reference() {
  static const std::string text = read_data("guided_reference.safetensors");
  static const NamedTensors tensors = parse_safetensors(std::as_bytes(std::span(text)), "reference");
  return tensors;
}

inline std::uint32_t scrambled(std::uint32_t h) {
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return h ^ h >> 16;
}

// The same numbers as in make_guided_reference.py.
inline at::Tensor weight(const std::string& name, const std::vector<std::int64_t>& shape) {
  std::uint32_t seed = 2166136261u;
  for (const char letter : name) seed = (seed ^ static_cast<unsigned char>(letter)) * 16777619u;
  at::Tensor values = at::empty(shape);
  float* value = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    value[i] = static_cast<float>(scrambled(static_cast<std::uint32_t>(i) * 2654435761u ^ seed) >> 8) / (1 << 23) - 1;
  if (shape.size() > 1)
    return values * std::sqrt(3.0 * static_cast<double>(shape[0]) / static_cast<double>(values.numel()));
  return name.ends_with("weight") ? 1 + 0.25 * values : 0.25 * values;
}

inline NamedTensors weights_of(const std::string& network) {
  NamedTensors tensors;
  for (const auto& [name, shape] : networks().at(network).at("tensors").items())
    tensors[name] = weight(name, shape.get<std::vector<std::int64_t>>());
  return tensors;
}

inline ModelCard card_of(const std::string& network) {
  const nlohmann::json& shape = networks().at(network).at("shape");
  ModelCard card;
  card.name = network;
  card.architecture = "guided-unet";
  card.diffusion.emplace();
  card.diffusion->head_channels = shape.at("head_channels");
  card.diffusion->heads_outside = !shape.at("new_attention_order").get<bool>();
  card.diffusion->norm_epsilon = shape.at("norm_epsilon");
  card.diffusion->frequency_shift = shape.at("frequency_shift");
  card.diffusion->pads_after = shape.at("pads_after");
  return card;
}

// The card as a file has it, with what is needed and no more.
inline nlohmann::json card_file(const std::string& network) {
  const nlohmann::json& shape = networks().at(network).at("shape");
  return {{"format", 1},
          {"name", network},
          {"architecture", "guided-unet"},
          {"config",
           {{"head_channels", shape.at("head_channels")},
            {"attention_order", shape.at("new_attention_order").get<bool>() ? "heads-inside" : "heads-outside"}}},
          {"preconditioning", {{"type", "eps"}}},
          {"level", {{"input", "step"}, {"schedule", "linear"}, {"steps", 1000}}},
          {"range", {-1, 1}}};
}

inline std::string safetensors_of(const NamedTensors& tensors) {
  nlohmann::json header = nlohmann::json::object();
  std::string bytes;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor values = tensor.to(at::kFloat).contiguous();
    const std::size_t begin = bytes.size();
    bytes.append(static_cast<const char*>(values.data_ptr()), static_cast<std::size_t>(values.numel()) * 4);
    header[name] = {{"dtype", "F32"}, {"shape", values.sizes().vec()}, {"data_offsets", {begin, bytes.size()}}};
  }
  const std::string text = header.dump();
  std::string length;
  for (int i = 0; i < 8; ++i) length += static_cast<char>(text.size() >> (8 * i) & 255);
  return length + text + bytes;
}

}  // namespace reddiff
