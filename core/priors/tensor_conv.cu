// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Note [Tensor convolution]: a block keeps all weights in shared memory and goes over tiles of pixels. A tap of the 3x3 window is a
// product of matrices whose rows are the tile's pixels moved by that tap, which is another address in shared memory and no copy. While a
// tile is written the next one is on its way.
#include "core/api/error.h"
#include "core/priors/film_value.h"
#include "core/priors/mirrored_line.h"
#include "core/priors/tensor_conv.cuh"
#include "core/priors/tensor_conv_cuda.h"

namespace reddiff {
namespace {

using Head = ConvShape<16, 32, 16, 8>;
using Fine = ConvShape<32, 32, 16, 8>;
using Middle = ConvShape<64, 64, 16, 16>;
using Tail = ConvShape<32, 16, 16, 8>;

[[maybe_unused]] __device__ std::int64_t place(const ActivationSize& size, int image, int y, int x) {
  return (static_cast<std::int64_t>(image) * size.height + y) * size.width + x;
}

[[maybe_unused]] __device__ float level_at(const NoisyPicture& picture, std::int64_t at) {
  return fminf(fmaxf(picture.sigma[at * picture.sigma_step], picture.sigma_min), picture.sigma_max);
}

// An activation's pixels, as they are.
template <typename T> struct FromActivation {
  const T* x;

  template <typename Shape> __device__ void load(const ActivationSize& size, const Tile& tile, unsigned to, T*) const {
    constexpr int parts = Shape::in / 8;
    for (int i = threadIdx.x; i < Shape::rows * Shape::columns * parts; i += Shape::threads) {
      const int pixel = i / parts, part = i % parts;
      const int row = tile.y - 1 + pixel / Shape::columns, column = tile.x - 1 + pixel % Shape::columns;
      const bool inside = row >= 0 && row < size.height && column >= 0 && column < size.width;
      const T* from = inside ? x + place(size, tile.image, row, column) * Shape::in + part * 8 : x;
      copy_later(to + 2 * (pixel * Shape::stride + part * 8), from, inside);
    }
  }
};

// 2x2 pixels of a picture, made to have unit variance.
template <typename T> struct FromPicture {
  NoisyPicture picture;

  template <typename Shape> __device__ void load(const ActivationSize& size, const Tile& tile, unsigned, T* to) const {
    for (int i = threadIdx.x; i < Shape::rows * Shape::columns * 2; i += Shape::threads) {
      const int pixel = i / 2, part = i % 2;  // the upper or lower two of them
      const int row = tile.y - 1 + pixel / Shape::columns, column = tile.x - 1 + pixel % Shape::columns;
      const bool inside = row >= 0 && row < size.height && column >= 0 && column < size.width;
      float values[6] = {0, 0, 0, 0, 0, 0};
      if (inside) read(tile.image, 2 * row + part, 2 * column, values);
      auto* words = reinterpret_cast<unsigned*>(to + pixel * Shape::stride + part * 6);
      for (int k = 0; k < 3; ++k) words[k] = Half<T>::pack(values[2 * k], values[2 * k + 1]);
      if (part == 1) words[3] = words[4] = 0;
    }
  }

 private:
  __device__ void read(int image, int row, int column, float* values) const {
    const std::int64_t plane = static_cast<std::int64_t>(picture.height) * picture.width;
    const std::int64_t line = static_cast<std::int64_t>(mirrored_line(row, picture.height)) * picture.width;
    for (int k = 0; k < 2; ++k) {
      const std::int64_t at = line + mirrored_line(column + k, picture.width);
      const float sigma = level_at(picture, image * plane + at);
      const float scale = rsqrtf(sigma * sigma + picture.sigma_data * picture.sigma_data);
      for (int colour = 0; colour < 3; ++colour)
        values[3 * k + colour] = picture.values[(3 * image + colour) * plane + at] * scale;
    }
  }
};

// Neighbouring channels from `channel` on, rounded once.
template <typename T, int count> __device__ void store(T* to, const float* values) {
  static_assert(count == 8);
  unsigned words[4];
  for (int i = 0; i < count / 2; ++i) words[i] = Half<T>::pack(values[2 * i], values[2 * i + 1]);
  *reinterpret_cast<uint4*>(to) = make_uint4(words[0], words[1], words[2], words[3]);
}

template <typename T> struct ToBiased {
  const float* bias;
  T* out;

  template <typename Shape>
  __device__ void write(const ActivationSize& size, int image, int y, int x, int channel, float* values) const {
    for (int i = 0; i < Shape::each; ++i) values[i] += bias[channel + i];
    store<T, Shape::each>(out + place(size, image, y, x) * Shape::out + channel, values);
  }
};

template <typename T> struct ToFilm {
  FilmRows film;
  T* out;

  template <typename Shape>
  __device__ void write(const ActivationSize& size, int image, int y, int x, int channel, float* values) const {
    const std::int64_t pixel = place(size, image, y, x), in_map = pixel * film.map_step;
    const float fraction = film.fraction[in_map];
    const float* row = film.table + 2 * Shape::out * film.index[in_map] + channel;
    for (int i = 0; i < Shape::each; i += 4) {
      const auto four = [&](int part) { return *reinterpret_cast<const float4*>(row + part * Shape::out + i); };
      const float4 gain = four(0), bias = four(1), next_gain = four(2), next_bias = four(3);
      values[i] = film_value(values[i], gain.x, next_gain.x, bias.x, next_bias.x, fraction);
      values[i + 1] = film_value(values[i + 1], gain.y, next_gain.y, bias.y, next_bias.y, fraction);
      values[i + 2] = film_value(values[i + 2], gain.z, next_gain.z, bias.z, next_bias.z, fraction);
      values[i + 3] = film_value(values[i + 3], gain.w, next_gain.w, bias.w, next_bias.w, fraction);
    }
    store<T, Shape::each>(out + pixel * Shape::out + channel, values);
  }
};

template <typename T> struct ToSum {
  T* sum;

  template <typename Shape>
  __device__ void write(const ActivationSize& size, int image, int y, int x, int channel, float* values) const {
    T* to = sum + place(size, image, y, x) * Shape::out + channel;
    const uint4 before = *reinterpret_cast<const uint4*>(to);
    const unsigned words[4] = {before.x, before.y, before.z, before.w};
    for (int i = 0; i < 4; ++i) {
      const float2 two = Half<T>::unpack(words[i]);
      values[2 * i] += two.x, values[2 * i + 1] += two.y;
    }
    store<T, Shape::each>(to, values);
  }
};

struct ToPicture {
  NoisyPicture picture;
  const float* bias;
  float* out;

  template <typename Shape>
  __device__ void write(const ActivationSize&, int image, int y, int x, int channel, const float* values) const {
    const std::int64_t plane = static_cast<std::int64_t>(picture.height) * picture.width;
    for (int i = 0; i < Shape::each; ++i) {
      const int of_pixel = channel + i, row = 2 * y + of_pixel / 6, column = 2 * x + of_pixel / 3 % 2;
      if (of_pixel >= 12 || row >= picture.height || column >= picture.width) continue;
      const std::int64_t in_plane = static_cast<std::int64_t>(row) * picture.width + column;
      const float sigma = level_at(picture, image * plane + in_plane), data = picture.sigma_data;
      const float scale = rsqrtf(sigma * sigma + data * data);
      const std::int64_t at = (3 * image + of_pixel % 3) * plane + in_plane;
      out[at] = sigma * scale * data * (values[i] + bias[of_pixel]) + data * data * scale * scale * picture.values[at];
    }
  }
};

// [pixels of a warp, in sixteens][out / 8][4] sums of a tile.
template <typename T, typename Shape> using Sums = float[Shape::pixels_of_warp][Shape::out / 8][4];

template <typename T, typename Shape>
__device__ void convolve_tile(unsigned weights, unsigned tile, Sums<T, Shape>& sums) {
  constexpr int columns_of_sums = Shape::out / 8;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  // Where the rows of this lane begin.
  const int pixel = lane % 16, pixel_part = lane / 16 * 8;
  const int weight_row = lane % 8 + lane / 16 * 8, weight_part = lane / 8 % 2 * 8;
#pragma unroll 1
  for (int tap = 0; tap < 9; ++tap) {
    const int from_row = tap / 3, from_column = tap % 3;
#pragma unroll
    for (int k = 0; k < Shape::in; k += 16) {
      unsigned b[columns_of_sums][2];
#pragma unroll
      for (int n = 0; n < columns_of_sums; n += 2)
        load_matrices(b[n], weights + 2 * ((tap * Shape::out + n * 8 + weight_row) * Shape::stride + k + weight_part));
#pragma unroll
      for (int m = 0; m < Shape::pixels_of_warp; ++m) {
        const int first = (warp * Shape::pixels_of_warp + m) * 16;
        const int row = first / Shape::tile_width + from_row, column = first % Shape::tile_width + from_column + pixel;
        unsigned a[4];
        load_matrices(a, tile + 2 * ((row * Shape::columns + column) * Shape::stride + k + pixel_part));
#pragma unroll
        for (int n = 0; n < columns_of_sums; ++n) Half<T>::multiply(sums[m][n], a, b[n]);
      }
    }
  }
}

template <typename T, typename Shape, typename To>
__device__ void write_tile(const To& to, const ActivationSize& size, const Tile& tile, Sums<T, Shape>& sums) {
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
#pragma unroll
  for (int m = 0; m < Shape::pixels_of_warp; ++m)
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int pixel = (warp * Shape::pixels_of_warp + m) * 16 + lane / 4 + half * 8;
      const int y = tile.y + pixel / Shape::tile_width, x = tile.x + pixel % Shape::tile_width;
      if (y >= size.height || x >= size.width) continue;
#pragma unroll
      for (int group = 0; group < Shape::out / Shape::group; ++group) {
        float values[Shape::each];
#pragma unroll
        for (int i = 0; i < Shape::each; ++i) values[i] = sums[m][group * Shape::group / 8 + i / 2][2 * half + i % 2];
        to.template write<Shape>(size, tile.image, y, x, group * Shape::group + lane % 4 * Shape::each, values);
      }
    }
}

template <typename T, typename Shape, typename From, typename To> __global__ void __launch_bounds__(Shape::threads)
    conv_kernel(From from, const T* weight, To to, ActivationSize size) {
#if __CUDA_ARCH__ >= 800
  extern __shared__ __align__(16) unsigned char shared[];
  T* const tile_values = reinterpret_cast<T*>(shared) + Shape::weight_values;
  const auto weights = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  const unsigned in_tile = weights + 2 * Shape::weight_values;
  const Tiles<Shape> tiles(size.images, size.height, size.width);
  constexpr int parts = Shape::in / 8;
  for (int i = threadIdx.x; i < 9 * Shape::out * parts; i += Shape::threads)
    copy_later(weights + 2 * (i / parts * Shape::stride + i % parts * 8), weight + i * 8, true);
  if (blockIdx.x < tiles.count) from.template load<Shape>(size, tiles.at(blockIdx.x), in_tile, tile_values);
  for (int index = blockIdx.x; index < tiles.count; index += gridDim.x) {
    Sums<T, Shape> sums = {};
    wait_for_copies();
    __syncthreads();
    convolve_tile<T, Shape>(weights, in_tile, sums);
    __syncthreads();
    const int next = index + gridDim.x;
    if (next < tiles.count) from.template load<Shape>(size, tiles.at(next), in_tile, tile_values);
    write_tile<T, Shape>(to, size, tiles.at(index), sums);
  }
#endif
}

void check(cudaError_t error) {
  if (error != cudaSuccess)
    throw Error(ErrorCode::failed, "The GPU could not run the prior; set device=cpu to go on without it.",
                cudaGetErrorString(error));
}

// As many blocks as find room at once.
template <typename T, typename Shape, typename From, typename To>
void launch(const From& from, const void* weight, const To& to, ActivationSize size, void* stream) {
  auto* const kernel = conv_kernel<T, Shape, From, To>;
  int device = 0, processors = 0, at_once = 0;
  check(cudaGetDevice(&device));
  check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Shape::shared_bytes));
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&at_once, kernel, Shape::threads, Shape::shared_bytes));
  const std::int64_t tiles = std::int64_t{size.images} * ((size.height + Shape::tile_height - 1) / Shape::tile_height) *
                             ((size.width + Shape::tile_width - 1) / Shape::tile_width);
  if (tiles == 0) return;
  const std::int64_t room = std::int64_t{processors} * (at_once > 0 ? at_once : 1);
  kernel<<<static_cast<unsigned>(tiles < room ? tiles : room), Shape::threads, Shape::shared_bytes,
           static_cast<cudaStream_t>(stream)>>>(from, static_cast<const T*>(weight), to, size);
  check(cudaGetLastError());
}

// work(T()) of the type that is meant.
template <typename Work> void with_type(FilmType type, const Work& work) {
  if (type == FilmType::bfloat16)
    work(__nv_bfloat16());
  else if (type == FilmType::float16)
    work(__half());
}

}  // namespace

bool has_tensor_conv(int channels, FilmType type, int device) {
  if (type == FilmType::float32 || (channels != Fine::out && channels != Middle::out)) return false;
  int major = 0, shared = 0;
  if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) != cudaSuccess ||
      cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) != cudaSuccess) {
    (void)cudaGetLastError();
    return false;
  }
  return major >= 8 && shared >= (channels == Fine::out ? Fine::shared_bytes : Middle::shared_bytes);
}

void head_on_cuda(const NoisyPicture& picture, const void* weight, const float* bias, void* out, ActivationSize size,
                  FilmType type, void* stream) {
  with_type(type, [&](auto t) {
    using T = decltype(t);
    launch<T, Head>(FromPicture<T>{picture}, weight, ToBiased<T>{bias, static_cast<T*>(out)}, size, stream);
  });
}

void film_conv_on_cuda(const void* x, const void* weight, const FilmRows& film, void* out, int channels,
                       ActivationSize size, FilmType type, void* stream) {
  with_type(type, [&](auto t) {
    using T = decltype(t);
    const FromActivation<T> from{static_cast<const T*>(x)};
    const ToFilm<T> to{film, static_cast<T*>(out)};
    channels == Fine::out ? launch<T, Fine>(from, weight, to, size, stream)
                          : launch<T, Middle>(from, weight, to, size, stream);
  });
}

void add_conv_on_cuda(const void* x, const void* weight, void* sum, int channels, ActivationSize size, FilmType type,
                      void* stream) {
  with_type(type, [&](auto t) {
    using T = decltype(t);
    const FromActivation<T> from{static_cast<const T*>(x)};
    const ToSum<T> to{static_cast<T*>(sum)};
    channels == Fine::out ? launch<T, Fine>(from, weight, to, size, stream)
                          : launch<T, Middle>(from, weight, to, size, stream);
  });
}

void tail_on_cuda(const void* x, const void* weight, const float* bias, const NoisyPicture& picture, float* denoised,
                  ActivationSize size, FilmType type, void* stream) {
  with_type(type, [&](auto t) {
    using T = decltype(t);
    launch<T, Tail>(FromActivation<T>{static_cast<const T*>(x)}, weight, ToPicture{picture, bias, denoised}, size,
                    stream);
  });
}

}  // namespace reddiff
