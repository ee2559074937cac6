// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/named_weights.h"

#include <ATen/ATen.h>

#include <sstream>

#include "core/api/error.h"

namespace reddiff {

at::Tensor NamedWeights::get(const std::string& name, const std::vector<std::int64_t>& shape) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail("has no tensor '" + name + "'");
  if (found->second.sizes() != at::IntArrayRef(shape)) {
    std::ostringstream text;
    text << "has tensor '" << name << "' of shape " << found->second.sizes() << " where its card asks for "
         << at::IntArrayRef(shape);
    fail(text.str());
  }
  return found->second.to(device_);
}

std::int64_t NamedWeights::length(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end() || found->second.dim() != 1) fail("has no tensor '" + name + "' with one dimension");
  return found->second.size(0);
}

void NamedWeights::fail(const std::string& what) const {
  throw Error(ErrorCode::wrong_model,
              "The model '" + card_.name + "' " + what + "; weights and card do not belong together.");
}

}  // namespace reddiff
