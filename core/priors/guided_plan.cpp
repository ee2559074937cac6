// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/guided_plan.h"

#include <algorithm>

#include "core/api/error.h"

namespace reddiff {
namespace {

constexpr std::int64_t most_blocks = 256, most_layers = 8, most_halvings = 8;

class Reader {
 public:
  Reader(const NamedTensors& tensors, const std::string& model) : tensors_(tensors), model_(model) {}

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorCode::wrong_model, "The model '" + model_ + "' cannot be used as a guided-unet: " + why + ".");
  }

  bool has(const std::string& name) const { return tensors_.contains(name); }

  // Size of a tensor along a dimension.
  std::int64_t size(const std::string& name, std::int64_t dim) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) refuse("it has no tensor " + shown(name));
    if (found->second.dim() <= dim) refuse("tensor " + shown(name) + " has too few dimensions");
    return found->second.size(dim);
  }

  bool is_residual(const std::string& layer) const { return has(layer + "in_layers.2.weight"); }
  bool is_attention(const std::string& layer) const { return has(layer + "qkv.weight"); }

  ResidualPlan residual(const std::string& layer, Resample resample) const {
    const std::string weight = layer + "in_layers.2.weight";
    return {layer, size(weight, 1), size(weight, 0), resample};
  }

  AttentionPlan attention(const std::string& layer) const { return {layer, size(layer + "qkv.weight", 1)}; }

  ConvolutionPlan convolution(const std::string& layer, Resample resample) const {
    return {layer, size(layer + "weight", 1), size(layer + "weight", 0), resample};
  }

  void check_kind() const {
    if (has("label_emb.weight"))
      refuse("it is told the class of what it draws, which no frame says; use one that was trained without classes");
    if (!has("time_embed.0.weight") || !has("input_blocks.0.0.weight"))
      refuse("its tensors have other names (it has no 'time_embed.0.weight' or 'input_blocks.0.0.weight'); " +
             std::string("models/convert.py writes them for some, TorchScript does for any"));
    if (const std::int64_t inputs = size("input_blocks.0.0.weight", 1); inputs != 3)
      refuse("it takes " + std::to_string(inputs) +
             " channels, so it is told more than a noisy picture (an upsampler, a latent model); one of 3 is needed");
    const std::int64_t outputs = size("out.2.weight", 0);
    if (outputs != 3 && outputs != 6)
      refuse("it returns " + std::to_string(outputs) + " channels; 3, or 6 with a learned variance, are needed");
  }

  // Blocks of "input_blocks." or "output_blocks.".
  std::int64_t count(const std::string& prefix) const {
    for (std::int64_t i = 0; i <= most_blocks; ++i) {
      const std::string first = prefix + std::to_string(i) + ".0.";
      if (!is_residual(first) && !has(first + "op.weight") && !has(first + "weight")) return i;
    }
    refuse("it has more than " + std::to_string(most_blocks) + " blocks");
  }

  std::vector<std::vector<LayerPlan>> way_up() const {
    std::vector<std::vector<LayerPlan>> blocks;
    for (std::int64_t i = 0, n = count("output_blocks."); i < n; ++i) {
      const std::string block = "output_blocks." + std::to_string(i) + ".";
      std::vector<LayerPlan> layers = {residual(block + "0.", Resample::none)};
      for (std::int64_t j = 1; j < most_layers; ++j) {
        const std::string layer = block + std::to_string(j) + ".";
        if (is_attention(layer))
          layers.emplace_back(attention(layer));
        else if (is_residual(layer))
          layers.emplace_back(residual(layer, Resample::twice));
        else if (has(layer + "conv.weight"))
          layers.emplace_back(convolution(layer + "conv.", Resample::twice));
        else
          break;
      }
      blocks.push_back(std::move(layers));
    }
    return blocks;
  }

  // Note [Blocks that resample]. `halves`: which blocks do.
  std::vector<std::vector<LayerPlan>> way_down(const std::vector<bool>& halves) const {
    std::vector<std::vector<LayerPlan>> blocks = {{convolution("input_blocks.0.0.", Resample::none)}};
    for (std::int64_t i = 1, n = count("input_blocks."); i < n; ++i) {
      const std::string block = "input_blocks." + std::to_string(i) + ".";
      const bool half = halves[static_cast<std::size_t>(i)];
      if (has(block + "0.op.weight") != (half && !is_residual(block + "0.")))
        refuse("block " + shown(block) + " is not where the size is to be halved");
      std::vector<LayerPlan> layers;
      if (!is_residual(block + "0."))
        layers.emplace_back(convolution(block + "0.op.", Resample::half));
      else
        layers.emplace_back(residual(block + "0.", half ? Resample::half : Resample::none));
      if (is_attention(block + "1.")) layers.emplace_back(attention(block + "1."));
      blocks.push_back(std::move(layers));
    }
    return blocks;
  }

 private:
  const NamedTensors& tensors_;
  const std::string& model_;
};

bool doubles(const std::vector<LayerPlan>& layers) {
  return std::any_of(layers.begin(), layers.end(), [](const LayerPlan& layer) {
    const auto* residual = std::get_if<ResidualPlan>(&layer);
    const auto* convolution = std::get_if<ConvolutionPlan>(&layer);
    return (residual && residual->resample == Resample::twice) ||
           (convolution && convolution->resample == Resample::twice);
  });
}

// Follows a picture through the layers: how many channels it has, and how often it has been halved.
class Flow {
 public:
  explicit Flow(const Reader& reader) : reader_(reader) {}

  void pass(const std::vector<LayerPlan>& layers) {
    for (const LayerPlan& layer : layers) std::visit([this](const auto& plan) { pass(plan); }, layer);
  }
  void keep() { kept_.push_back({channels_, level_}); }
  void join() {
    if (kept_.back().level != level_) reader_.refuse("its ways down and up do not meet at one size");
    channels_ += kept_.back().channels;
    kept_.pop_back();
  }
  void expect(const std::string& name, std::int64_t channels) const {
    if (channels != channels_)
      reader_.refuse("layer " + shown(name) + " takes " + std::to_string(channels) + " channels where " +
                     std::to_string(channels_) + " come in");
  }

 private:
  void pass(const AttentionPlan& plan) { expect(plan.name, plan.channels); }
  template <typename Plan> void pass(const Plan& plan) {
    expect(plan.name, plan.in);
    channels_ = plan.out;
    level_ += plan.resample == Resample::half ? 1 : plan.resample == Resample::twice ? -1 : 0;
  }

  struct Kept {
    std::int64_t channels, level;
  };
  const Reader& reader_;
  std::int64_t channels_ = 3, level_ = 0;
  std::vector<Kept> kept_;
};

void check_flow(const Reader& reader, const GuidedPlan& plan) {
  Flow flow(reader);
  for (const auto& layers : plan.down) flow.pass(layers), flow.keep();
  flow.pass(plan.middle);
  for (const auto& layers : plan.up) flow.join(), flow.pass(layers);
  flow.expect("out.2", plan.last);
}

// A block of the way down halves the size where its mirror image on the way up is the first of a finer level.
std::vector<bool> halving_blocks(const std::vector<std::vector<LayerPlan>>& up, std::size_t blocks) {
  std::vector<bool> halves(blocks);
  for (std::size_t i = 0; i + 1 < up.size() && i + 1 < blocks; ++i)
    if (doubles(up[i])) halves[blocks - 1 - i] = true;
  return halves;
}

}  // namespace

GuidedPlan read_guided_plan(const NamedTensors& tensors, const std::string& model) {
  const Reader reader(tensors, model);
  reader.check_kind();
  GuidedPlan plan{};
  plan.channels = reader.size("time_embed.0.weight", 1);
  plan.embedding = reader.size("time_embed.0.weight", 0);
  plan.up = reader.way_up();
  const auto blocks = static_cast<std::size_t>(reader.count("input_blocks."));
  if (blocks != plan.up.size())
    reader.refuse("it has " + std::to_string(blocks) + " blocks on its way down and " + std::to_string(plan.up.size()) +
                  " on its way up");
  const std::vector<bool> halves = halving_blocks(plan.up, blocks);
  plan.halvings = std::count(halves.begin(), halves.end(), true);
  if (plan.halvings > most_halvings) reader.refuse("it halves a picture more than eight times");
  plan.down = reader.way_down(halves);
  plan.middle = {reader.residual("middle_block.0.", Resample::none)};
  if (reader.is_attention("middle_block.1.")) plan.middle.emplace_back(reader.attention("middle_block.1."));
  plan.middle.emplace_back(reader.residual("middle_block." + std::to_string(plan.middle.size()) + ".", Resample::none));
  const auto& first = std::get<ResidualPlan>(plan.middle[0]);
  plan.scale_shift = reader.size(first.name + "emb_layers.1.weight", 0) == 2 * first.out;
  plan.last = reader.size("out.2.weight", 1);
  plan.outputs = reader.size("out.2.weight", 0);
  check_flow(reader, plan);
  return plan;
}

}  // namespace reddiff
