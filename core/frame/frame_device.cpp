// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/frame_device.h"

#include <ATen/Context.h>

#include "core/frame/device_queue.h"

#ifdef REDDIFF_CUDA
#include "core/frame/cuda_stream.h"
#endif

namespace reddiff {

c10::Device device_of(const FrameView& frame) {
  if (frame.device_index < 0) return c10::kCPU;
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(frame.device_index)};
}

void wait_for_frame(const FrameView& frame) {
  if (frame.stream == nullptr) return;
#ifdef REDDIFF_CUDA
  wait_for_cuda_stream(frame.stream, device_of(frame));
#else  // without CUDA's headers a stream cannot be named: wait for all of them
  at::detail::getCUDAHooks().deviceSynchronize(static_cast<c10::DeviceIndex>(frame.device_index));
#endif
}

void finish_frame(const FrameView& frame, c10::Device worker) {
  if (frame.device_index < 0) return;
  finish_queue(worker);
  if (device_of(frame) != worker) finish_queue(device_of(frame));
}

}  // namespace reddiff
