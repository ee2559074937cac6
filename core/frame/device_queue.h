// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Work on a GPU is queued, and the host goes on. What it wants to know of it comes in one of these ways.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <optional>

namespace reddiff {

// Waits for what this thread has queued on a device; on the CPU there is nothing to wait for.
void finish_queue(at::Device device);

// values, on the CPU, in the type and on the device of `options`. Nothing waits, and `values` may be dropped at once.
at::Tensor put(const at::Tensor& values, const at::TensorOptions& options);

// Numbers that a device is still computing, on their way to the host while more work is queued. On the CPU they are there.
class Awaited {
 public:
  explicit Awaited(const at::Tensor& values);

  // [n], on the CPU, in the values' type and order. Waits for them, not for what was queued since.
  const at::Tensor& get();

 private:
  at::Tensor host_;
  std::optional<c10::Event> arrived_;
};

}  // namespace reddiff
