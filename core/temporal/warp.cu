// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A thread a pixel. No LibTorch here: nvcc needs seconds for this file and minutes for ATen.
#include <cuda_runtime.h>

#include "core/api/error.h"
#include "core/temporal/warp_cuda.h"

namespace reddiff {
namespace {

constexpr unsigned block_width = 32, block_height = 8;
constexpr std::int64_t most_blocks = 65535;  // along y and z of a grid

// What does not fit a grid along y and z goes in strides.
template <int count, typename T> __global__ void warp_kernel(WarpPlanes<T> first, std::int64_t images) {
  const auto x = static_cast<std::int64_t>(blockIdx.x) * block_width + threadIdx.x;
  if (x >= first.width) return;
  for (std::int64_t image = blockIdx.z; image < images; image += gridDim.z) {
    const WarpPlanes<T> planes = image_planes(first, image);
    for (std::int64_t y = static_cast<std::int64_t>(blockIdx.y) * block_height + threadIdx.y; y < first.height;
         y += static_cast<std::int64_t>(gridDim.y) * block_height)
      warp_pixel<count>(planes, static_cast<std::int32_t>(x), static_cast<std::int32_t>(y));
  }
}

unsigned blocks_for(std::int64_t length, std::int64_t block, std::int64_t most) {
  const std::int64_t blocks = (length + block - 1) / block;
  return static_cast<unsigned>(blocks < most ? blocks : most);
}

template <typename T> void launch(const WarpPlanes<T>& first, std::int64_t images, int taps, void* stream) {
  if (images == 0 || first.channels == 0 || first.height == 0 || first.width == 0) return;
  const dim3 block(block_width, block_height);
  const dim3 grid(blocks_for(first.width, block_width, INT32_MAX), blocks_for(first.height, block_height, most_blocks),
                  blocks_for(images, 1, most_blocks));
  auto* const queue = static_cast<cudaStream_t>(stream);
  if (taps == 4)
    warp_kernel<4><<<grid, block, 0, queue>>>(first, images);
  else
    warp_kernel<2><<<grid, block, 0, queue>>>(first, images);
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
    throw Error(ErrorCode::failed,
                "The GPU could not move the previous frame; set temporal=none to go on without it, or device=cpu.",
                cudaGetErrorString(error));
}

}  // namespace

void warp_on_cuda(const WarpPlanes<float>& first, std::int64_t images, int taps, void* stream) {
  launch(first, images, taps, stream);
}

void warp_on_cuda(const WarpPlanes<double>& first, std::int64_t images, int taps, void* stream) {
  launch(first, images, taps, stream);
}

}  // namespace reddiff
