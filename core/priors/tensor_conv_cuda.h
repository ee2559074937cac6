// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The network's 3x3 convolutions at its finest levels on tensor cores, together with what follows each of them, so that an activation is
// read once and written once. Seen from C++ without a header of CUDA's; present in builds with REDDIFF_CUDA.
//
// Activations are [images,height,width,channels] in bfloat16 or float16, weights [9,out,in] in the same type, ordered by
// channel_of_row(); sums are float32.
#pragma once

#include <cstdint>

#include "core/priors/film_cuda.h"

namespace reddiff {

// Row of the weights that holds output channel channel_of_row(row), `channels` of them, a multiple of 16: a thread of the kernel then
// holds channels that lie side by side.
constexpr int channel_of_row(int row, int channels) {
  const int group = channels < 32 ? channels : 32, each = group / 4;
  const int in_group = row % group, column = in_group % 8;
  return row / group * group + column / 2 * each + in_group / 8 * 2 + column % 2;
}

// Whether residual blocks of so many channels run there.
bool has_tensor_conv(int channels, FilmType type, int device);

struct ActivationSize {
  std::int32_t images, height, width;
};

// FiLM of a block: see FilmValues.
struct FilmRows {
  const std::int32_t* index;
  const float* fraction;
  const float* table;
  std::int64_t map_step;
};

// A picture and its noise level, [images,3,height,width] and [images,1,height,width] or one value, float32. What lies beyond its size up to
// that of the activation, twice as large as given there, is its mirror image.
struct NoisyPicture {
  const float *values, *sigma;
  std::int64_t sigma_step;  // 1, or 0 where one level is for all
  std::int32_t height, width;
  float sigma_min, sigma_max, sigma_data;
};

// All as modulate_on_cuda(): `stream` of the current device, Error{failed}.

// The network's first layer, of the picture over sqrt(sigma^2 + sigma_data^2): 12 values for 2x2 pixels, (row, column, colour), in 16 input
// channels, the last four of which are 0. bias: [32] float32.
void head_on_cuda(const NoisyPicture& picture, const void* weight, const float* bias, void* out, ActivationSize size,
                  FilmType type, void* stream);

// relu(conv(x) * gain + bias).
void film_conv_on_cuda(const void* x, const void* weight, const FilmRows& film, void* out, int channels,
                       ActivationSize size, FilmType type, void* stream);

// sum += conv(x).
void add_conv_on_cuda(const void* x, const void* weight, void* sum, int channels, ActivationSize size, FilmType type,
                      void* stream);

// The last layer, 32 channels in, 16 out of which 12 count, and what the network's preconditioning makes of it: the denoised picture. bias:
// [16] float32, ordered as the channels are.
void tail_on_cuda(const void* x, const void* weight, const float* bias, const NoisyPicture& picture, float* denoised,
                  ActivationSize size, FilmType type, void* stream);

}  // namespace reddiff
