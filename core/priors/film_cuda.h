// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FiLM's CUDA kernel, seen from C++ without a header of CUDA's. Present in builds with REDDIFF_CUDA.
#pragma once

#include <cstdint>

namespace reddiff {

enum class FilmType { float32, bfloat16, float16 };

// Pointers into the memory of the current device.
struct FilmValues {
  void* values;               // [pixels,channels], in the type given beside
  const std::int32_t* index;  // [pixels] or [1] for all, rows of the table but the last one
  const float* fraction;      // the same, 0..1 of the way to the next row
  const float* table;         // [rows,2*channels]: gains, then biases
  std::int64_t pixels, channels;
  std::int64_t map_step;  // 1, or 0 where one level is for all
};

// Every value becomes film_value of itself, rounded once. stream: a cudaStream_t of that device; the call returns before the
// work is done. Throws Error{failed} when the kernel cannot be started.
void modulate_on_cuda(const FilmValues& film, FilmType type, void* stream);

}  // namespace reddiff
