// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A model is two files: NAME.safetensors, or what PyTorch writes, NAME.pt (the weights), and NAME.json (the card: what network they
// belong to, how to feed it, where it comes from, and the weights' size and SHA-256). models/README.md lists the card's fields. Knows no
// network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/weights/diffusion_card.h"
#include "core/weights/file_bytes.h"
#include "core/weights/safetensors.h"

namespace reddiff {

// Whose file is a program; the other ones' are weights.
inline constexpr std::string_view torchscript = "torchscript";

struct ModelCard {
  std::string name;
  std::string architecture;       // "conv-unet", "guided-unet", "torchscript"
  std::vector<std::int64_t> ch;   // channels per level, finest first
  std::vector<std::int64_t> enc;  // residual blocks per level on the way down; one fewer than levels
  std::int64_t mid = 0;           // residual blocks on the coarsest level
  std::vector<std::int64_t> dec;  // on the way up, coarsest first
  std::int64_t e = 0;             // channels of the noise level's embedding
  double sigma_data = 0;          // EDM preconditioning
  double sigma_min = 0;           // noise levels the network was trained for, in units of [-1,1] pictures
  double sigma_max = 0;           // both 0: from the schedule of `diffusion`
  std::int64_t multiple_of = 0;   // picture sizes the network takes; 0: its weights tell
  bool per_pixel_sigma = false;
  std::string dtype;   // of the stored weights: float32, float16, bfloat16
  std::string sha256;  // 64 lower-case hexadecimal digits
  std::uint64_t bytes = 0;
  std::string licence;
  // Of error that it knows besides white noise: its small tensors for them are named "kinds.KIND.NAME". Of those that the card names, the
  // ones that this release has a use for.
  std::vector<std::string> kinds;
  std::optional<DiffusionCard>
      diffusion;  // of every architecture but "conv-unet", which has the fields from `ch` to `sigma_data` instead
};

// `file`: the card's name for error sentences. Every field of "conv-unet" is required and checked, but `kinds`, which may be missing. Of
// the others size, digest, dtype and where they come from may be, so that a card can be written by hand; then `bytes` is 0 and `sha256`
// empty. Unknown fields and kinds are ignored. Throws Error{wrong_model} that names the field and what it should be.
ModelCard parse_model_card(std::string_view text, std::string_view file);

// Lower-case hexadecimal SHA-256.
std::string sha256_of(std::span<const std::byte> bytes);

struct Model {
  ModelCard card;
  NamedTensors tensors;  // none of "torchscript"
  FileBytes file;        // that they are views of, where the file has them in float32
};

// Reads PATH (.safetensors, or a file of torch.save) and the card beside it. Throws Error: not_found (either file is missing),
// open_read, wrong_model (the card is wrong, the weights are not the ones it describes, or either is damaged).
Model load_model(const std::string& path);

}  // namespace reddiff
