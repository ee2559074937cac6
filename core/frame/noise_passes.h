// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the noise estimate wants to know of planes in host memory, in one pass each: tensor operations would go over them once for
// every step. Planes are [1,C,H,W], float32; noise_blocks.cpp and noise_estimate.cpp have the same as tensor operations, for a GPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/api/frame_view.h"

namespace reddiff {

bool lie_in_host_memory(const at::Tensor& planes);

// Of blocks of 8x8 pixels behind a border of one, [C,rows,columns] each: the energy behind the high-pass filter, the mean, and whether the
// filter sees nothing but one end of the code values anywhere (more than 0).
struct Cells {
  at::Tensor energy, mean, at_end;
};

inline constexpr double constant_energy = 1e-9;  // of a block without noise

// before: undefined, or planes whose difference is looked at instead, at half its energy; mean and ends are those of `planes`.
Cells cells_on_host(const at::Tensor& planes, const at::Tensor& before = {});

// [2 H + 2 W]: mean and spread of each row, then of each column, of the mean of all planes.
at::Tensor lines_on_host(const at::Tensor& planes);

// Means of 2x2 pixels.
at::Tensor halved_on_host(const at::Tensor& planes);

// [1,1,H,W] of [1,3,H,W].
at::Tensor luma_on_host(const ColorMatrix& matrix, const at::Tensor& picture);

// Of every pixel but the outermost, [H-2,W-2] of uint8: is_flat where it equals its eight neighbours in every plane, is_at_end where any
// of the nine is black or white in any plane.
inline constexpr std::uint8_t is_flat = 1, is_at_end = 2;
at::Tensor flatness_on_host(const at::Tensor& planes);

}  // namespace reddiff
