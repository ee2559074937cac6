// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The layers of guided_unet.h. Each takes its tensors when it is made and is not changed afterwards.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/priors/guided_plan.h"
#include "core/weights/diffusion_card.h"

namespace reddiff {

// Hands out tensors by name, their shape checked, on the device and in the type to compute in.
class GuidedWeights {
 public:
  GuidedWeights(const NamedTensors& tensors, const std::string& model, at::Device device, at::ScalarType dtype)
      : tensors_(tensors), model_(model), device_(device), dtype_(dtype) {}

  at::Tensor get(const std::string& name, const std::vector<std::int64_t>& shape) const;
  at::Tensor get_float(const std::string& name, const std::vector<std::int64_t>& shape) const;
  bool has(const std::string& name) const { return tensors_.contains(name); }
  // Throws for a tensor that nobody has asked for: what it means is not known, then.
  void check_all_used() const;
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  const at::Tensor& find(const std::string& name, const std::vector<std::int64_t>& shape) const;

  const NamedTensors& tensors_;
  const std::string& model_;
  at::Device device_;
  at::ScalarType dtype_;
  mutable std::set<std::string, std::less<>> used_;
};

// GroupNorm over 32 groups, then SiLU or not.
class GroupNorm {
 public:
  GroupNorm(const GuidedWeights& weights, const std::string& name, std::int64_t channels, double epsilon);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_, bias_;
  double epsilon_;
};

class GuidedLayer {
 public:
  virtual ~GuidedLayer() = default;
  // x: [N,C,H,W]; level: [N,embedding], float32, after its SiLU.
  virtual at::Tensor forward(const at::Tensor& x, const at::Tensor& level) const = 0;
  // Of one picture whose sides are given; the layer leaves those of its result.
  virtual double flops(double& height, double& width) const = 0;
};

using GuidedLayerPtr = std::unique_ptr<const GuidedLayer>;

GuidedLayerPtr make_guided_layer(const LayerPlan& plan, const GuidedPlan& network, const DiffusionCard& card,
                                 const GuidedWeights& weights);

// SiLU, in place where no gradient is recorded: x must be nobody else's.
at::Tensor activated(at::Tensor x);

}  // namespace reddiff
