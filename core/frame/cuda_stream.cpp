// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/cuda_stream.h"

#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace reddiff {

void* current_cuda_stream(c10::Device device) { return c10::cuda::getCurrentCUDAStream(device.index()).stream(); }

void wait_for_cuda_stream(void* stream, c10::Device device) {
  const c10::cuda::CUDAGuard guard(device);
  at::cuda::CUDAEvent queued;
  queued.record(c10::cuda::getStreamFromExternal(static_cast<cudaStream_t>(stream), device.index()));
  queued.block(c10::cuda::getCurrentCUDAStream(device.index()));
}

}  // namespace reddiff
