// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Constants of an operator (kernels, matrices of an axis, tables), made once in double precision on the CPU and kept in the
// type and on the device where they were asked for. Any thread may ask.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/InferenceMode.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "core/api/abort.h"

namespace reddiff {

class TensorCache {
 public:
  // The tensors of `make()` under this key, in the type and on the device of `like`.
  template <typename Make> std::vector<at::Tensor> get(std::int64_t key, const at::Tensor& like, Make make) {
    const std::lock_guard lock(mutex_);
    const Key full(key, like.scalar_type(), like.device().type(), like.device().index());
    if (const auto found = entries_.find(full); found != entries_.end()) return found->second;
    throw_if_aborted();  // the matrices of a large picture take long to make
    // A stream whose size keeps changing must not fill the memory.
    constexpr std::size_t most = 16;
    if (entries_.size() >= most) entries_.clear();
    // Inference tensors could not be saved for a backward pass by whoever comes next.
    const c10::InferenceMode normal_tensors(false);
    std::vector<at::Tensor> tensors = make();
    for (auto& tensor : tensors) tensor = tensor.to(like.options().requires_grad(false)).contiguous();
    return entries_.emplace(full, std::move(tensors)).first->second;
  }

 private:
  using Key = std::tuple<std::int64_t, at::ScalarType, at::DeviceType, at::DeviceIndex>;
  std::mutex mutex_;
  std::map<Key, std::vector<at::Tensor>> entries_;
};

}  // namespace reddiff
