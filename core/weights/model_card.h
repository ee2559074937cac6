// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A model is two files: NAME.safetensors (the weights) and NAME.json (the card: what network they belong to, how to
// feed it, where it comes from, and the weights' size and SHA-256). models/README.md lists the card's fields. Knows no
// network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/weights/safetensors.h"

namespace reddiff {

struct ModelCard {
  std::string name;
  std::string architecture;       // "conv-unet"
  std::vector<std::int64_t> ch;   // channels per level, finest first
  std::vector<std::int64_t> enc;  // residual blocks per level on the way down; one fewer than levels
  std::int64_t mid = 0;           // residual blocks on the coarsest level
  std::vector<std::int64_t> dec;  // on the way up, coarsest first
  std::int64_t e = 0;             // channels of the noise level's embedding
  double sigma_data = 0;          // EDM preconditioning
  double sigma_min = 0;           // noise levels the network was trained for, in units of [-1,1] pictures
  double sigma_max = 0;
  std::int64_t multiple_of = 0;  // picture sizes the network takes
  bool per_pixel_sigma = false;
  std::string dtype;   // of the stored weights: float32, float16, bfloat16
  std::string sha256;  // 64 lower-case hexadecimal digits
  std::uint64_t bytes = 0;
  std::string licence;
  // Of error that it knows besides white noise: its small tensors for them are named "kinds.KIND.NAME". Of those that the card names, the
  // ones that this release has a use for.
  std::vector<std::string> kinds;
};

// `file`: the card's name for error sentences. Every field is required and checked, but `kinds`, which may be missing; unknown fields
// and kinds are ignored. Throws Error{wrong_model} that names the field and what it should be.
ModelCard parse_model_card(std::string_view text, std::string_view file);

// Lower-case hexadecimal SHA-256.
std::string sha256_of(std::span<const std::byte> bytes);

struct Model {
  ModelCard card;
  NamedTensors tensors;
};

// Reads PATH (ending in .safetensors) and the card beside it. Throws Error: not_found (either file is missing),
// open_read, wrong_model (the card is wrong, the weights are not the ones it describes, or either is damaged).
Model load_model(const std::string& path);

}  // namespace reddiff
