// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/guided_layers.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <sstream>

#include "core/api/error.h"

namespace reddiff {
namespace {

constexpr std::int64_t groups = 32;

at::Tensor added(at::Tensor x, const at::Tensor& other) {
  return c10::GradMode::is_enabled() ? x + other : x.add_(other);
}

at::Tensor resampled(const at::Tensor& x, Resample resample) {
  switch (resample) {
    case Resample::half:
      return at::avg_pool2d(x, 2);
    case Resample::twice:
      return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
    case Resample::none:
      break;
  }
  return x;
}

void follow(Resample resample, double& height, double& width) {
  const double factor = resample == Resample::half ? 0.5 : resample == Resample::twice ? 2 : 1;
  height *= factor, width *= factor;
}

class Residual final : public GuidedLayer {
 public:
  Residual(const ResidualPlan& plan, const GuidedPlan& network, const DiffusionCard& card, const GuidedWeights& weights)
      : plan_(plan),
        scale_shift_(network.scale_shift),
        norm1_(weights, plan.name + "in_layers.0", plan.in, card.norm_epsilon),
        norm2_(weights, plan.name + "out_layers.0", plan.out, card.norm_epsilon) {
    const auto& [name, in, out, resample] = plan;
    weight1_ = weights.get(name + "in_layers.2.weight", {out, in, 3, 3});
    bias1_ = weights.get(name + "in_layers.2.bias", {out});
    const std::int64_t told = scale_shift_ ? 2 * out : out;
    level_weight_ = weights.get_float(name + "emb_layers.1.weight", {told, network.embedding});
    level_bias_ = weights.get_float(name + "emb_layers.1.bias", {told});
    weight2_ = weights.get(name + "out_layers.3.weight", {out, out, 3, 3});
    bias2_ = weights.get(name + "out_layers.3.bias", {out});
    if (in == out && !weights.has(name + "skip_connection.weight")) return;
    skip_weight_ = weights.get(name + "skip_connection.weight", {out, in, 1, 1});
    skip_bias_ = weights.get(name + "skip_connection.bias", {out});
  }

  at::Tensor forward(const at::Tensor& x, const at::Tensor& level) const override {
    at::Tensor h = resampled(activated(norm1_.forward(x)), plan_.resample);
    h = at::conv2d(h, weight1_, bias1_, 1, 1);
    const at::Tensor told = at::linear(level, level_weight_, level_bias_).to(h.scalar_type()).unsqueeze(2).unsqueeze(3);
    if (scale_shift_) {
      const auto parts = told.chunk(2, 1);
      h = added(norm2_.forward(h) * (parts[0] + 1), parts[1]);
    } else {
      h = norm2_.forward(added(h, told));
    }
    h = at::conv2d(activated(h), weight2_, bias2_, 1, 1);
    const at::Tensor shorter = resampled(x, plan_.resample);
    return added(h, skip_weight_.defined() ? at::conv2d(shorter, skip_weight_, skip_bias_) : shorter);
  }

  double flops(double& height, double& width) const override {
    follow(plan_.resample, height, width);
    const double in = static_cast<double>(plan_.in), out = static_cast<double>(plan_.out);
    return 2 * height * width * (9 * out * (in + out) + (skip_weight_.defined() ? in * out : 0));
  }

 private:
  ResidualPlan plan_;
  bool scale_shift_;
  GroupNorm norm1_, norm2_;
  at::Tensor weight1_, bias1_, level_weight_, level_bias_, weight2_, bias2_, skip_weight_, skip_bias_;
};

class Attention final : public GuidedLayer {
 public:
  Attention(const AttentionPlan& plan, const DiffusionCard& card, const GuidedWeights& weights)
      : channels_(plan.channels),
        heads_outside_(card.heads_outside),
        norm_(weights, plan.name + "norm", plan.channels, card.norm_epsilon) {
    heads_ = card.heads > 0 ? card.heads : channels_ / card.head_channels;
    if (heads_ < 1 || channels_ % heads_ != 0 || (card.heads == 0 && channels_ % card.head_channels != 0))
      weights.refuse("the " + std::to_string(channels_) + " channels of " + shown(plan.name) +
                     " cannot be shared out among the heads that its card asks for");
    qkv_weight_ = weights.get(plan.name + "qkv.weight", {3 * channels_, channels_, 1});
    qkv_bias_ = weights.get(plan.name + "qkv.bias", {3 * channels_});
    out_weight_ = weights.get(plan.name + "proj_out.weight", {channels_, channels_, 1});
    out_bias_ = weights.get(plan.name + "proj_out.bias", {channels_});
  }

  at::Tensor forward(const at::Tensor& x, const at::Tensor&) const override {
    const std::int64_t images = x.size(0), width = channels_ / heads_, places = x.size(2) * x.size(3);
    const at::Tensor qkv = at::conv1d(norm_.forward(x).reshape({images, channels_, places}), qkv_weight_, qkv_bias_);
    const at::Tensor split = heads_outside_ ? qkv.reshape({images, heads_, 3, width, places})
                                            : qkv.reshape({images, 3, heads_, width, places}).transpose(1, 2);
    const auto part = [&](std::int64_t i) { return split.select(2, i).transpose(2, 3).contiguous(); };
    const at::Tensor gathered = at::scaled_dot_product_attention(part(0), part(1), part(2));
    const at::Tensor flat = gathered.transpose(2, 3).reshape({images, channels_, places});
    return added(at::conv1d(flat, out_weight_, out_bias_).reshape(x.sizes()), x);
  }

  double flops(double& height, double& width) const override {
    const double places = height * width, channels = static_cast<double>(channels_);
    return 2 * places * channels * (4 * channels + 2 * places);
  }

 private:
  std::int64_t channels_, heads_;
  bool heads_outside_;
  GroupNorm norm_;
  at::Tensor qkv_weight_, qkv_bias_, out_weight_, out_bias_;
};

// The first layer, and sizes changed by a convolution.
class Convolution final : public GuidedLayer {
 public:
  Convolution(const ConvolutionPlan& plan, const DiffusionCard& card, const GuidedWeights& weights)
      : plan_(plan),
        pads_after_(card.pads_after),
        weight_(weights.get(plan.name + "weight", {plan.out, plan.in, 3, 3})),
        bias_(weights.get(plan.name + "bias", {plan.out})) {}

  at::Tensor forward(const at::Tensor& x, const at::Tensor&) const override {
    if (plan_.resample != Resample::half) return at::conv2d(resampled(x, plan_.resample), weight_, bias_, 1, 1);
    if (pads_after_) return at::conv2d(at::constant_pad_nd(x, {0, 1, 0, 1}), weight_, bias_, 2);
    return at::conv2d(x, weight_, bias_, 2, 1);
  }

  double flops(double& height, double& width) const override {
    follow(plan_.resample, height, width);
    return 2 * 9 * static_cast<double>(plan_.in) * static_cast<double>(plan_.out) * height * width;
  }

 private:
  ConvolutionPlan plan_;
  bool pads_after_;
  at::Tensor weight_, bias_;
};

}  // namespace

at::Tensor activated(at::Tensor x) { return c10::GradMode::is_enabled() ? at::silu(x) : at::silu_(x); }

void GuidedWeights::refuse(const std::string& why) const {
  throw Error(ErrorCode::wrong_model, "The model '" + model_ + "' cannot be used as a guided-unet: " + why + ".");
}

const at::Tensor& GuidedWeights::find(const std::string& name, const std::vector<std::int64_t>& shape) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) refuse("it has no tensor " + shown(name));
  if (found->second.sizes() != at::IntArrayRef(shape)) {
    std::ostringstream text;
    text << "tensor " << shown(name) << " has the shape " << found->second.sizes() << " where its neighbours ask for "
         << at::IntArrayRef(shape);
    refuse(text.str());
  }
  used_.insert(name);
  return found->second;
}

at::Tensor GuidedWeights::get(const std::string& name, const std::vector<std::int64_t>& shape) const {
  return find(name, shape).to(device_, dtype_);
}

at::Tensor GuidedWeights::get_float(const std::string& name, const std::vector<std::int64_t>& shape) const {
  return find(name, shape).to(device_, at::kFloat);
}

void GuidedWeights::check_all_used() const {
  for (const auto& [name, tensor] : tensors_)
    if (!used_.contains(name)) refuse("it has a tensor " + shown(name) + ", which this architecture does not know");
}

GroupNorm::GroupNorm(const GuidedWeights& weights, const std::string& name, std::int64_t channels, double epsilon)
    : weight_(weights.get(name + ".weight", {channels})),
      bias_(weights.get(name + ".bias", {channels})),
      epsilon_(epsilon) {
  if (channels % groups != 0)
    weights.refuse("the " + std::to_string(channels) + " channels of " + shown(name) +
                   " do not fall into the 32 groups that are normalised together");
}

at::Tensor GroupNorm::forward(const at::Tensor& x) const { return at::group_norm(x, groups, weight_, bias_, epsilon_); }

GuidedLayerPtr make_guided_layer(const LayerPlan& plan, const GuidedPlan& network, const DiffusionCard& card,
                                 const GuidedWeights& weights) {
  if (const auto* residual = std::get_if<ResidualPlan>(&plan))
    return std::make_unique<Residual>(*residual, network, card, weights);
  if (const auto* attention = std::get_if<AttentionPlan>(&plan))
    return std::make_unique<Attention>(*attention, card, weights);
  return std::make_unique<Convolution>(std::get<ConvolutionPlan>(plan), card, weights);
}

}  // namespace reddiff
