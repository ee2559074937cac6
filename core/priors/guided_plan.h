// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a guided-diffusion U-Net (arXiv 2105.05233) looks like, read from the names and shapes of its tensors: how many levels and blocks,
// how wide, where it attends, how it changes size and how the level enters. What they do not tell stands in the card
// (core/weights/diffusion_card.h).
//
// Note [Blocks that resample]: a residual block that halves or doubles the size has the very tensors of one that does not. On the way
// up one is known by its place, as a second residual block beside another; so the levels of the network are counted there. On the way
// down it is then the last block of a level.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/weights/stored_tensor.h"

namespace reddiff {

enum class Resample { none, half, twice };

struct ResidualPlan {
  std::string name;  // "input_blocks.1.0."
  std::int64_t in, out;
  Resample resample;
};

struct AttentionPlan {
  std::string name;
  std::int64_t channels;
};

struct ConvolutionPlan {
  std::string name;
  std::int64_t in, out;
  Resample resample;
};

using LayerPlan = std::variant<ResidualPlan, AttentionPlan, ConvolutionPlan>;

struct GuidedPlan {
  std::int64_t channels, embedding;  // of the step's waves, and of what is made of them
  bool scale_shift;                  // the level scales and shifts what has been normalised; else it is added before
  std::vector<std::vector<LayerPlan>> down, up;  // each of `up` takes what the one of `down` at its mirror place gave
  std::vector<LayerPlan> middle;
  std::int64_t last, outputs;  // channels before the last convolution and after
  std::int64_t halvings;
};

// Throws Error{wrong_model} that says which tensor does not fit: another architecture, one that is told a class or a second picture.
GuidedPlan read_guided_plan(const NamedTensors& tensors, const std::string& model);

}  // namespace reddiff
