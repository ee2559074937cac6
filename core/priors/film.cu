// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A thread takes as many channels of a pixel as 16 bytes hold. No LibTorch here: nvcc needs seconds for this file and minutes
// for ATen.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "core/api/error.h"
#include "core/priors/film_cuda.h"
#include "core/priors/film_value.h"

namespace reddiff {
namespace {

constexpr unsigned block_threads = 256, widest_block = 32;
constexpr std::int64_t most_blocks = INT32_MAX;

// What one instruction moves.
template <typename T, int count> struct alignas(sizeof(T) * count) Pack { T values[count]; };

__device__ float to_float(float value) { return value; }
__device__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ float to_float(__half value) { return __half2float(value); }

template <typename T> __device__ T from_float(float value);
template <> __device__ float from_float<float>(float value) { return value; }
template <> __device__ __nv_bfloat16 from_float<__nv_bfloat16>(float value) { return __float2bfloat16_rn(value); }
template <> __device__ __half from_float<__half>(float value) { return __float2half_rn(value); }

// `count` channels from `channel` on; row: that of the pixel in the table.
template <typename T, int count>
__device__ void modulate(T* values, const float* row, std::int64_t channels, std::int64_t channel, float fraction) {
  constexpr int floats = count < 4 ? count : 4;
  using Floats = Pack<float, floats>;
  auto& stored = *reinterpret_cast<Pack<T, count>*>(values + channel);
  Pack<T, count> pack = stored;
  for (int i = 0; i < count; i += floats) {
    const auto terms = [&](std::int64_t part) {
      return *reinterpret_cast<const Floats*>(row + part * channels + channel + i);
    };
    const Floats gain = terms(0), bias = terms(1), next_gain = terms(2), next_bias = terms(3);
    for (int k = 0; k < floats; ++k)
      pack.values[i + k] = from_float<T>(film_value(to_float(pack.values[i + k]), gain.values[k], next_gain.values[k],
                                                    bias.values[k], next_bias.values[k], fraction));
  }
  stored = pack;
}

template <typename T, int count> __global__ void film_kernel(FilmValues film) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.y;
  for (std::int64_t pixel = static_cast<std::int64_t>(blockIdx.x) * blockDim.y + threadIdx.y; pixel < film.pixels;
       pixel += stride) {
    T* const values = static_cast<T*>(film.values) + pixel * film.channels;
    const float* const row = film.table + 2 * film.channels * film.index[pixel * film.map_step];
    const float fraction = film.fraction[pixel * film.map_step];
    for (std::int64_t channel = threadIdx.x * count; channel < film.channels; channel += blockDim.x * count)
      modulate<T, count>(values, row, film.channels, channel, fraction);
  }
}

template <typename T, int count> void launch(const FilmValues& film, cudaStream_t stream) {
  const std::int64_t groups = film.channels / count;
  const unsigned across = groups < widest_block ? static_cast<unsigned>(groups) : widest_block;
  const unsigned down = block_threads / across;
  const std::int64_t blocks = (film.pixels + down - 1) / down;
  film_kernel<T, count>
      <<<static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks), dim3(across, down), 0, stream>>>(film);
}

bool is_aligned(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

template <typename T> void launch(const FilmValues& film, cudaStream_t stream) {
  constexpr int most = 16 / sizeof(T);
  if (film.channels % most == 0 && is_aligned(film.values) && is_aligned(film.table))
    launch<T, most>(film, stream);
  else
    launch<T, 1>(film, stream);
}

}  // namespace

void modulate_on_cuda(const FilmValues& film, FilmType type, void* stream) {
  if (film.pixels == 0 || film.channels == 0) return;
  auto* const queue = static_cast<cudaStream_t>(stream);
  switch (type) {
    case FilmType::float32:
      launch<float>(film, queue);
      break;
    case FilmType::bfloat16:
      launch<__nv_bfloat16>(film, queue);
      break;
    case FilmType::float16:
      launch<__half>(film, queue);
      break;
  }
  if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess)
    throw Error(ErrorCode::failed, "The GPU could not run the prior; set device=cpu to go on without it.",
                cudaGetErrorString(error));
}

}  // namespace reddiff
