// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/guided_unet.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/api/abort.h"
#include "core/api/error.h"
#include "core/frame/device_queue.h"
#include "core/priors/guided_layers.h"

namespace reddiff {
namespace {

using Block = std::vector<GuidedLayerPtr>;

class GuidedUnet final : public LevelNetwork {
 public:
  GuidedUnet(const NamedTensors& tensors, const ModelCard& card, at::Device device, at::ScalarType dtype)
      : GuidedUnet(GuidedWeights(tensors, card.name, device, dtype), read_guided_plan(tensors, card.name),
                   *card.diffusion, device, dtype) {}

  at::Tensor forward(const at::Tensor& x, const at::Tensor& level) const override {
    const at::Tensor told = embedded(level);
    at::Tensor h = x.to(dtype_).contiguous(at::MemoryFormat::ChannelsLast);
    std::vector<at::Tensor> kept;
    for (const Block& block : down_) {
      h = pass(block, h, told);
      kept.push_back(h);
    }
    h = pass(middle_, h, told);
    for (const Block& block : up_) {
      h = at::cat({h, kept.back()}, 1);
      kept.pop_back();
      h = pass(block, h, told);
    }
    return at::conv2d(activated(norm_.forward(h)), out_weight_, out_bias_, 1, 1);
  }

  std::int64_t multiple_of() const override { return std::int64_t{1} << halvings_; }
  at::Device device() const override { return device_; }
  std::string description() const override { return std::string("guided-unet, ") + c10::toString(dtype_); }

  double flops(std::int64_t height, std::int64_t width) const override {
    double rows = static_cast<double>(height), columns = static_cast<double>(width), sum = 0;
    for (const auto* blocks : {&down_, &up_})
      for (const Block& block : *blocks)
        for (const GuidedLayerPtr& layer : block) sum += layer->flops(rows, columns);
    for (const GuidedLayerPtr& layer : middle_) {
      double small = std::ldexp(static_cast<double>(height), -static_cast<int>(halvings_));
      double narrow = std::ldexp(static_cast<double>(width), -static_cast<int>(halvings_));
      sum += layer->flops(small, narrow);
    }
    return sum + 2 * 9 * static_cast<double>(out_weight_.size(0) * out_weight_.size(1)) * rows * columns;
  }

 private:
  GuidedUnet(const GuidedWeights& weights, const GuidedPlan& plan, const DiffusionCard& card, at::Device device,
             at::ScalarType dtype)
      : device_(device),
        dtype_(dtype),
        halvings_(plan.halvings),
        norm_(weights, "out.0", plan.last, card.norm_epsilon),
        out_weight_(weights.get("out.2.weight", {plan.outputs, plan.last, 3, 3})),
        out_bias_(weights.get("out.2.bias", {plan.outputs})) {
    weight1_ = weights.get_float("time_embed.0.weight", {plan.embedding, plan.channels});
    bias1_ = weights.get_float("time_embed.0.bias", {plan.embedding});
    weight2_ = weights.get_float("time_embed.2.weight", {plan.embedding, plan.embedding});
    bias2_ = weights.get_float("time_embed.2.bias", {plan.embedding});
    if (plan.channels < 4 || plan.channels % 2 != 0)
      weights.refuse("its steps are told by " + std::to_string(plan.channels) +
                     " waves, which is no even number from 4 on");
    const auto half = static_cast<double>(plan.channels / 2);
    frequencies_ =
        at::exp(at::arange(plan.channels / 2, at::kDouble) * (-std::log(1e4) / (half - card.frequency_shift)))
            .to(device, at::kFloat);
    const auto make = [&](const std::vector<LayerPlan>& layers) {
      Block block;
      for (const LayerPlan& layer : layers) block.push_back(make_guided_layer(layer, plan, card, weights));
      return block;
    };
    for (const auto& layers : plan.down) down_.push_back(make(layers));
    for (const auto& layers : plan.up) up_.push_back(make(layers));
    middle_ = make(plan.middle);
    weights.check_all_used();
  }

  // What the blocks are told of the level: [N,embedding].
  at::Tensor embedded(const at::Tensor& level) const {
    const at::Tensor angles = level.to(at::kFloat).unsqueeze(1) * frequencies_;
    const at::Tensor waves = at::cat({at::cos(angles), at::sin(angles)}, 1);
    return activated(at::linear(activated(at::linear(waves, weight1_, bias1_)), weight2_, bias2_));
  }

  static at::Tensor pass(const Block& block, at::Tensor h, const at::Tensor& told) {
    for (const GuidedLayerPtr& layer : block) {
      throw_if_aborted();
      h = layer->forward(h, told);
    }
    return h;
  }

  at::Device device_;
  at::ScalarType dtype_;
  std::int64_t halvings_;
  GroupNorm norm_;
  at::Tensor out_weight_, out_bias_, weight1_, bias1_, weight2_, bias2_, frequencies_;
  std::vector<Block> down_, up_;
  Block middle_;
};

}  // namespace

LevelNetworkPtr make_guided_unet(const NamedTensors& tensors, const ModelCard& card, at::Device device,
                                 at::ScalarType dtype) {
  TORCH_CHECK(card.diffusion, "a guided-unet needs the card of a diffusion model");
  auto network = std::make_shared<const GuidedUnet>(tensors, card, device, dtype);
  finish_queue(device);  // whatever thread calls it, on whatever queue
  return network;
}

}  // namespace reddiff
