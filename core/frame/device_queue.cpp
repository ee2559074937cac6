// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/device_queue.h"

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace reddiff {

void finish_queue(at::Device device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl impl(device.type());
  impl.synchronizeStream(impl.getStream(device));
}

// CUDA copies from pageable memory by way of a buffer of its own, which is filled before the call returns.
at::Tensor put(const at::Tensor& values, const at::TensorOptions& options) {
  return values.to(options, /*non_blocking=*/true);
}

Awaited::Awaited(const at::Tensor& values) {
  const at::Tensor flat = values.reshape({-1});
  if (flat.is_cpu()) {
    host_ = flat;
    return;
  }
  host_ = at::empty(flat.sizes(), flat.options().device(at::kCPU).pinned_memory(true));
  host_.copy_(flat, /*non_blocking=*/true);
  arrived_.emplace(flat.device().type());
  arrived_->record(c10::impl::VirtualGuardImpl(flat.device().type()).getStream(flat.device()));
}

const at::Tensor& Awaited::get() {
  if (arrived_) arrived_->synchronize();
  arrived_.reset();
  return host_;
}

}  // namespace reddiff
