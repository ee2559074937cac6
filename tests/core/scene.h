// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Pictures that are made, not shipped.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <cstdint>

namespace reddiff {

inline at::Tensor noise(at::IntArrayRef size, std::uint64_t seed) {
  return at::randn(size, at::make_generator<at::CPUGeneratorImpl>(seed));
}

// A natural-looking scene: octaves of smooth noise, more energy in the coarse ones and in brightness than in colour.
// [1,3,height,width], [-1,1].
inline at::Tensor scene(std::int64_t height, std::int64_t width, std::uint64_t seed) {
  at::Tensor sum = at::zeros({1, 3, height, width});
  for (int octave = 0; octave < 5; ++octave) {
    const std::int64_t cell = 64 >> octave;
    const at::Tensor cells =
        noise({1, 4, height / cell + 3, width / cell + 3}, seed * 16 + static_cast<std::uint64_t>(octave));
    const at::Tensor coarse = cells.narrow(1, 0, 1) + 0.3 * cells.narrow(1, 1, 3);
    sum += at::upsample_bicubic2d(coarse, {height, width}, false) * (0.35 / (1 << octave));
  }
  return sum.clamp(-1, 1);
}

// Flat areas with edges as a lens would show them, where a prior has something to win; a blur's overshoot stays inside [-1,1].
inline at::Tensor cartoon(std::int64_t height, std::int64_t width, std::uint64_t seed) {
  const auto fine = scene(4 * height, 4 * width, seed);
  return at::avg_pool2d(at::round(fine.mean(1, true) * 3) / 4 + 0.1 * fine, {4, 4});
}

// The same with strong detail of every size in its left quarter, which shows whether the picture stands still.
inline at::Tensor with_detail(const at::Tensor& picture, std::uint64_t seed) {
  auto detailed = picture.clone();
  auto part = detailed.narrow(3, 0, picture.size(3) / 4);
  for (const std::int64_t cell : {1, 2, 4})
    part += 0.15 * at::upsample_bicubic2d(noise({1, 3, part.size(2) / cell, part.size(3) / cell}, seed + cell),
                                          {part.size(2), part.size(3)}, false);
  return detailed;
}

inline double rms(const at::Tensor& error) { return std::sqrt(error.square().mean().item<double>()); }

}  // namespace reddiff
