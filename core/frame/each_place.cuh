// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A thread a place, for steps that write one picture of width x height, place by place and in any order. No LibTorch here: nvcc needs
// seconds for such a file and minutes for ATen.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/api/error.h"

namespace reddiff {

// Patches are many instructions each and, on coarse levels, few: small blocks spread over more of the GPU.
constexpr unsigned block_width = 32, block_height = 4;
constexpr std::int64_t most_blocks = 65535;  // along y of a grid; what does not fit goes in strides

template <typename Step> __global__ void each_place(Step step) {
  const auto x = static_cast<std::int64_t>(blockIdx.x) * block_width + threadIdx.x;
  if (x >= step.width) return;
  for (std::int64_t y = static_cast<std::int64_t>(blockIdx.y) * block_height + threadIdx.y; y < step.height;
       y += static_cast<std::int64_t>(gridDim.y) * block_height)
    step(static_cast<std::int32_t>(x), static_cast<std::int32_t>(y));
}

// See step_runner.h.
template <typename Step> void run_on_cuda(const Step& step, void* stream) {
  if (step.height == 0 || step.width == 0) return;
  const std::int64_t across = (static_cast<std::int64_t>(step.width) + block_width - 1) / block_width;
  const std::int64_t down = (static_cast<std::int64_t>(step.height) + block_height - 1) / block_height;
  const dim3 grid(static_cast<unsigned>(across), static_cast<unsigned>(down < most_blocks ? down : most_blocks));
  each_place<<<grid, dim3(block_width, block_height), 0, static_cast<cudaStream_t>(stream)>>>(step);
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
    throw Error(ErrorCode::failed,
                "The GPU could not do a step of a frame's restoration; set device=cpu to go on without it.",
                cudaGetErrorString(error));
}

}  // namespace reddiff
