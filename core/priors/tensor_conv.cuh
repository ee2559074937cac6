// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tensor cores by their PTX instructions (mma.sync, ldmatrix, cp.async; compute capability 8.0 and later), and the tiles that a
// convolution works on.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace reddiff {

template <typename T> struct Half;

template <> struct Half<__nv_bfloat16> {
  // c [16,8] += a [16,16] b [16,8], in the registers of a warp.
  static __device__ void multiply(float* c, const unsigned* a, const unsigned* b) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
  static __device__ unsigned pack(float a, float b) {
    __nv_bfloat162 two = __floats2bfloat162_rn(a, b);
    return *reinterpret_cast<unsigned*>(&two);
  }
  static __device__ float2 unpack(unsigned two) {
    return __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&two));
  }
};

template <> struct Half<__half> {
  static __device__ void multiply(float* c, const unsigned* a, const unsigned* b) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
  static __device__ unsigned pack(float a, float b) {
    __half2 two = __floats2half2_rn(a, b);
    return *reinterpret_cast<unsigned*>(&two);
  }
  static __device__ float2 unpack(unsigned two) { return __half22float2(*reinterpret_cast<const __half2*>(&two)); }
};

// Four 8x8 matrices of shared memory, a row of one at each lane's address.
__device__ inline void load_matrices(unsigned* to, unsigned address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address));
}

// 16 bytes into shared memory, without waiting; zeros where not `inside`.
__device__ inline void copy_later(unsigned to, const void* from, bool inside) {
  const int bytes = inside ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(to), "l"(from), "r"(bytes));
}

__device__ inline void wait_for_copies() { asm volatile("cp.async.wait_all;\n" ::: "memory"); }

// The pixels a block computes at once, and what of them lies in shared memory: a frame of one pixel around them, too. A pixel's and a
// weight row's values are followed by a gap of 16 bytes, so that the eight rows of a matrix lie in different banks.
template <int in_, int out_, int tile_height_, int warps_> struct ConvShape {
  static constexpr int in = in_, out = out_, warps = warps_, threads = 32 * warps;
  static constexpr int tile_height = tile_height_, tile_width = 32;
  static constexpr int stride = in + 8;
  static constexpr int rows = tile_height + 2, columns = tile_width + 2;
  static constexpr int pixels_of_warp = tile_height * tile_width / 16 / warps;  // in sixteens
  static constexpr int weight_values = 9 * out * stride, tile_values = rows * columns * stride;
  static constexpr int shared_bytes = 2 * (weight_values + tile_values);
  static constexpr int group = out < 32 ? out : 32, each = group / 4;  // channels that a thread holds side by side
};

// Where a tile lies; x and y of its first pixel.
struct Tile {
  int image, y, x;
};

template <typename Shape> struct Tiles {
  int across, down, count;
  __device__ explicit Tiles(int images, int height, int width)
      : across((width + Shape::tile_width - 1) / Shape::tile_width),
        down((height + Shape::tile_height - 1) / Shape::tile_height),
        count(across * down * images) {}
  __device__ Tile at(int index) const {
    const int in_image = index % (across * down);
    return {index / (across * down), in_image / across * Shape::tile_height, in_image % across * Shape::tile_width};
  }
};

}  // namespace reddiff
