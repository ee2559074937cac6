// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Note [Noise and seeds]: a noise field is a function of (seed, step, size) alone. It is the same for every frame and every
// image of a batch, so that batching, tiling and dropped frames change nothing; it differs from step to step, because noise
// shared over steps would pull the mean towards that noise. It is drawn for the whole picture, from a generator of its own:
// the generators of the process are never touched.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace reddiff {

// A well-mixed 64-bit value of two (SplitMix64).
std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t step);

// [1,C,H,W] standard normal, float32, on `device`. CPU and CUDA draw different fields from one seed.
at::Tensor normal_field(std::uint64_t seed, std::uint64_t step, at::IntArrayRef size, at::Device device);

}  // namespace reddiff
