// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The tensors of a model's file by name, their shapes checked, moved to where they are used.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/weights/model_card.h"

namespace reddiff {

class NamedWeights {
 public:
  // Keeps references to both.
  NamedWeights(const NamedTensors& tensors, const ModelCard& card, at::Device device)
      : tensors_(tensors), card_(card), device_(device) {}

  // Throws Error{wrong_model} that names the tensor where it is missing or has another shape.
  at::Tensor get(const std::string& name, const std::vector<std::int64_t>& shape) const;

  // Of a tensor with one dimension. Throws as get().
  std::int64_t length(const std::string& name) const;

  // Throws Error{wrong_model}; `what` goes on after the model's name.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  const NamedTensors& tensors_;
  const ModelCard& card_;
  at::Device device_;
};

}  // namespace reddiff
