// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
// 3x3 convolutions (stride 1, zero padding, as many channels out as in) by Winograd's F(4x4, 3x3) (Lavin & Gray, arXiv 1509.09308), float32,
// and the gradient of their weights. A tile of 4x4 outputs takes 36 products of channels instead of 144.
//
//   out = A^T [ (G w G^T) . (B^T x B) ] A        dw = G^T [ sum over tiles of (B^T x B) . (A dout A^T) ] G
//
// Pictures are [n][h][w][c], c innermost, h and w multiples of 4, c of `panel`, `most_channels` at most. A few tiles at a time go
// through all stages, in cache.
#include <ATen/ATen.h>
#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace winograd {

#ifdef __AVX512F__
constexpr long width = 16;
#else
constexpr long width = 8;
#endif
using V = float __attribute__((vector_size(width * sizeof(float))));
constexpr long panel = 2 * width;  // columns of a product that are worked on together
constexpr long most_channels = 1024;
constexpr long points = 36;  // of a transformed tile

inline V load(const float* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, V v) { std::memcpy(p, &v, sizeof v); }
inline V all(float x) { return V{} + x; }

struct Grid {
  long n, h, w, c;
  long tiles() const { return n * (h / 4) * (w / 4); }
};

struct Tile {
  long image, y, x;  // of its first output, in pixels
};
inline Tile tile_at(const Grid& g, long tile) {
  const long columns = g.w / 4, in_image = tile % (g.h / 4 * columns);
  return {tile / (g.h / 4 * columns), in_image / columns * 4, in_image % columns * 4};
}

// The transforms along one axis. Points 0, 1, -1, 2, -2 and infinity.
struct InputTransform {  // B^T
  static constexpr int in = 6, out = 6;
  static void apply(const V* d, V* o) {
    o[0] = 4 * d[0] - 5 * d[2] + d[4];
    const V even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
    o[1] = even + odd;
    o[2] = even - odd;
    const V far_even = d[4] - d[2], far_odd = 2 * (d[3] - d[1]);
    o[3] = far_even + far_odd;
    o[4] = far_even - far_odd;
    o[5] = 4 * d[1] - 5 * d[3] + d[5];
  }
};
struct OutputTransform {  // A^T
  static constexpr int in = 6, out = 4;
  static void apply(const V* m, V* o) {
    const V near_even = m[1] + m[2], near_odd = m[1] - m[2], far_even = m[3] + m[4], far_odd = m[3] - m[4];
    o[0] = m[0] + near_even + far_even;
    o[1] = near_odd + 2 * far_odd;
    o[2] = near_even + 4 * far_even;
    o[3] = near_odd + 8 * far_odd + m[5];
  }
};
struct GradientTransform {  // A
  static constexpr int in = 4, out = 6;
  static void apply(const V* d, V* o) {
    const V even = d[0] + d[2], odd = d[1] + d[3], far_even = d[0] + 4 * d[2], far_odd = 2 * d[1] + 8 * d[3];
    o[0] = d[0];
    o[1] = even + odd;
    o[2] = even - odd;
    o[3] = far_even + far_odd;
    o[4] = far_even - far_odd;
    o[5] = d[3];
  }
};
struct WeightTransform {  // G
  static constexpr int in = 3, out = 6;
  static void apply(const V* w, V* o) {
    const V near_even = (w[0] + w[2]) / 6, near_odd = w[1] / 6, far_even = w[0] / 24 + w[2] / 6, far_odd = w[1] / 12;
    o[0] = w[0] / 4;
    o[1] = -near_even - near_odd;
    o[2] = -near_even + near_odd;
    o[3] = far_even + far_odd;
    o[4] = far_even - far_odd;
    o[5] = w[2];
  }
};
struct WeightGradient {  // G^T
  static constexpr int in = 6, out = 3;
  static void apply(const V* d, V* o) {
    const V near_even = d[1] + d[2], near_odd = d[2] - d[1], far_even = d[3] + d[4], far_odd = d[3] - d[4];
    o[0] = d[0] / 4 - near_even / 6 + far_even / 24;
    o[1] = near_odd / 6 + far_odd / 12;
    o[2] = (far_even - near_even) / 6 + d[5];
  }
};

// T along both axes of `from(row, column)`, given row by row to `to(row, column, value)`.
template <class T, class From, class To> inline void transform(const From& from, const To& to) {
  V half[T::out][T::in];
#pragma GCC unroll 6
  for (int j = 0; j < T::in; ++j) {
    V column[T::in], o[T::out];
#pragma GCC unroll 6
    for (int i = 0; i < T::in; ++i) column[i] = from(i, j);
    T::apply(column, o);
#pragma GCC unroll 6
    for (int i = 0; i < T::out; ++i) half[i][j] = o[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < T::out; ++i) {
    V o[T::out];
    T::apply(half[i], o);
#pragma GCC unroll 6
    for (int j = 0; j < T::out; ++j) to(i, j, o[j]);
  }
}

// Tiles that are worked on together: [point][tile][channel], `room` tiles apart.
struct Block {
  long first, count, room;
};

inline void transform_input(const Grid& g, const float* x, const Block& b, float* v) {
  static const float outside[most_channels] = {};
  const long row = g.w * g.c, step = b.room * g.c;
  for (long t = 0; t < b.count; ++t) {
    const Tile tile = tile_at(g, b.first + t);
    const float* corner = x + (tile.image * g.h * g.w + (tile.y - 1) * g.w + tile.x - 1) * g.c;
    const bool inside = tile.y && tile.x && tile.y + 4 < g.h && tile.x + 4 < g.w;
    const float* pixels[6][6];
    if (!inside)
      for (long i = 0; i < 6; ++i)
        for (long j = 0; j < 6; ++j) {
          const long y = tile.y - 1 + i, x = tile.x - 1 + j;
          pixels[i][j] = y >= 0 && y < g.h && x >= 0 && x < g.w ? corner + i * row + j * g.c : outside;
        }
    for (long c = 0; c < g.c; c += width) {
      float* to = v + t * g.c + c;
      const auto put = [&](int i, int j, V value) { store(to + (i * 6 + j) * step, value); };
      if (inside)
        transform<InputTransform>([&](int i, int j) { return load(corner + i * row + j * g.c + c); }, put);
      else
        transform<InputTransform>([&](int i, int j) { return load(pixels[i][j] + c); }, put);
    }
  }
}

inline void transform_gradient(const Grid& g, const float* dout, const Block& b, float* v) {
  const long row = g.w * g.c, step = b.room * g.c;
  for (long t = 0; t < b.count; ++t) {
    const Tile tile = tile_at(g, b.first + t);
    const float* corner = dout + (tile.image * g.h * g.w + tile.y * g.w + tile.x) * g.c;
    for (long c = 0; c < g.c; c += width)
      transform<GradientTransform>([&](int i, int j) { return load(corner + i * row + j * g.c + c); },
                                   [&](int i, int j, V value) { store(v + (i * 6 + j) * step + t * g.c + c, value); });
  }
}

// done(tile's image, pixel, channel, value) of every output.
template <class Done> inline void transform_output(const Grid& g, const float* m, const Block& b, const Done& done) {
  const long step = b.room * g.c;
  for (long t = 0; t < b.count; ++t) {
    const Tile tile = tile_at(g, b.first + t);
    const long corner = tile.image * g.h * g.w + tile.y * g.w + tile.x;
    for (long c = 0; c < g.c; c += width)
      transform<OutputTransform>([&](int i, int j) { return load(m + (i * 6 + j) * step + t * g.c + c); },
                                 [&](int i, int j, V value) { done(tile.image, corner + i * g.w + j, c, value); });
  }
}

// Sums of `rows` rows and two vectors of columns, kept in registers: named one by one, as compilers spill an array of them.
template <int rows> struct Sums {
  V a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5;

  template <class Do> inline __attribute__((always_inline)) void each(const Do& act) {
    act(0, a0, b0);
    if constexpr (rows > 1) act(1, a1, b1);
    if constexpr (rows > 2) act(2, a2, b2);
    if constexpr (rows > 3) act(3, a3, b3);
    if constexpr (rows > 4) act(4, a4, b4);
    if constexpr (rows > 5) act(5, a5, b5);
  }
};

// out[row][panel] (+)= sum over k of left(row, k) * right[k][panel]: left at row * left_row + k * left_k.
template <int rows> inline void product(const float* left, long left_row, long left_k, const float* right, long right_k,
                                        long count, float* out, long out_row, bool add) {
  Sums<rows> sums;
  sums.each([&](int r, V& a, V& b) {
    a = add ? load(out + r * out_row) : V{};
    b = add ? load(out + r * out_row + width) : V{};
  });
  for (long k = 0; k < count; ++k) {
    const V a_k = load(right + k * right_k), b_k = load(right + k * right_k + width);
    sums.each([&](int r, V& a, V& b) __attribute__((always_inline)) {
      const V x = all(left[r * left_row + k * left_k]);
      a += x * a_k;
      b += x * b_k;
    });
  }
  sums.each([&](int r, V& a, V& b) {
    store(out + r * out_row, a);
    store(out + r * out_row + width, b);
  });
}

// All rows of it, six at a time.
template <int rows = 6> inline void products(long all_rows, const float* left, long left_row, long left_k,
                                             const float* right, long right_k, long count, float* out, long out_row,
                                             bool add) {
  for (; all_rows >= rows; all_rows -= rows, left += rows * left_row, out += rows * out_row)
    product<rows>(left, left_row, left_k, right, right_k, count, out, out_row, add);
  if constexpr (rows > 1)
    if (all_rows) products<rows - 1>(all_rows, left, left_row, left_k, right, right_k, count, out, out_row, add);
}

// Aligned room of this thread that is kept: fresh pages cost more than the work on them.
inline float* scratch(int which, long count) {
  static thread_local std::vector<float> rooms[2];
  if (rooms[which].size() < size_t(count + width)) rooms[which].resize(count + width);
  const auto at = reinterpret_cast<std::uintptr_t>(rooms[which].data());
  return rooms[which].data() + (-at % sizeof(V)) / sizeof(float);
}

// Two transformed blocks fit into the caches nearest to a core, and every thread has a block.
inline long tiles_of_block(const Grid& g) {
  constexpr long bytes = 300 * 1024;
  const long fit = std::max(12L, bytes / (2 * points * g.c * long(sizeof(float))) / 6 * 6),
             threads = omp_get_max_threads();
  return std::min(fit, (g.tiles() + threads - 1) / threads);
}

// [3][3][in][out] -> [point][out / panel][in][panel]
inline at::Tensor transformed_weights(const at::Tensor& weights) {
  const long in = weights.size(2), out = weights.size(3);
  at::Tensor result = at::empty({points, out / panel, in, panel});
  const float* w = weights.const_data_ptr<float>();
  float* u = result.mutable_data_ptr<float>();
#pragma omp parallel for
  for (long i = 0; i < in; ++i)
    for (long o = 0; o < out; o += width)
      transform<WeightTransform>([&](int r, int c) { return load(w + ((r * 3 + c) * in + i) * out + o); },
                                 [&](int r, int c, V value) {
                                   store(u + (((r * 6 + c) * (out / panel) + o / panel) * in + i) * panel + o % panel,
                                         value);
                                 });
  return result;
}

// w: [out][in][3][3]. The convolution's transformed weights, and those of the convolution that gives its input's gradient.
inline at::Tensor forward_weights(const at::Tensor& w) {
  return transformed_weights(w.permute({2, 3, 1, 0}).contiguous());
}
inline at::Tensor backward_weights(const at::Tensor& w) {
  return transformed_weights(w.flip({2, 3}).permute({2, 3, 0, 1}).contiguous());
}

// done as in transform_output, from several threads at once.
template <class Done> void convolve(const Grid& g, const float* x, const at::Tensor& weights, const Done& done) {
  const long room = tiles_of_block(g), blocks = (g.tiles() + room - 1) / room;
  const float* u = weights.const_data_ptr<float>();
#pragma omp parallel
  {
    float* v = scratch(0, points * room * g.c);
    float* m = scratch(1, points * room * g.c);
#pragma omp for schedule(static)
    for (long n = 0; n < blocks; ++n) {
      const Block b = {n * room, std::min(room, g.tiles() - n * room), room};
      transform_input(g, x, b, v);
      for (long p = 0; p < points; ++p)
        for (long q = 0; q < g.c; q += panel)
          products(b.count, v + p * room * g.c, g.c, 1, u + (p * g.c + q) * g.c, panel, g.c, m + p * room * g.c + q,
                   g.c, false);
      transform_output(g, m, b, done);
    }
  }
}

// [out][in][3][3]. Every thread has a sum of its own; they are added in order, so that the same threads give the same bytes.
inline at::Tensor weight_gradient(const Grid& g, const float* x, const float* dout) {
  const long room = tiles_of_block(g), blocks = (g.tiles() + room - 1) / room, threads = omp_get_max_threads();
  at::Tensor sums = at::empty({threads, points, g.c, g.c});
  float* all_sums = sums.mutable_data_ptr<float>();
  std::vector<char> used(threads);
#pragma omp parallel
  {
    float* v = scratch(0, points * room * g.c);
    float* d = scratch(1, points * room * g.c);
    const int me = omp_get_thread_num();
    float* sum = all_sums + me * points * g.c * g.c;
#pragma omp for schedule(static)
    for (long n = 0; n < blocks; ++n) {
      const Block b = {n * room, std::min(room, g.tiles() - n * room), room};
      transform_input(g, x, b, v);
      transform_gradient(g, dout, b, d);
      for (long p = 0; p < points; ++p)
        for (long q = 0; q < g.c; q += panel)
          products(g.c, v + p * room * g.c, 1, g.c, d + p * room * g.c + q, g.c, b.count, sum + p * g.c * g.c + q, g.c,
                   used[me]);
      used[me] = 1;
    }
  }
  at::Tensor result = at::empty({3, 3, g.c, g.c});
  float* w = result.mutable_data_ptr<float>();
#pragma omp parallel for
  for (long e = 0; e < g.c * g.c; e += width)
    transform<WeightGradient>(
        [&](int i, int j) {
          V sum = {};
          for (long t = 0; t < threads; ++t)
            if (used[t]) sum += load(all_sums + (t * points + i * 6 + j) * g.c * g.c + e);
          return sum;
        },
        [&](int i, int j, V value) { store(w + (i * 3 + j) * g.c * g.c + e, value); });
  return result.permute({3, 2, 0, 1});
}

}  // namespace winograd
