// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The orthonormal DCT-II of blocks of 8x8 pixels, as JPEG and its kin have it. Coefficients lie where the pixels of their block do: the
// frequency (u, v), rows first, of the block (i, j) at (8 i + u, 8 j + v). Planes are [h,w], both multiples of 8, float32.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

inline constexpr std::int64_t block_side = 8;

// [8,8]: row u is the basis function of frequency u. On the device of `like`.
at::Tensor block_basis(const at::Tensor& like);

at::Tensor block_dct(const at::Tensor& plane);
at::Tensor inverse_block_dct(const at::Tensor& coefficients);

// One value a block, [h/8,w/8], as a view that broadcasts over by_block(plane).
inline at::Tensor over_blocks(const at::Tensor& values) { return values.view({values.size(0), 1, values.size(1), 1}); }

// A view: [h/8,8,w/8,8].
inline at::Tensor by_block(const at::Tensor& plane) {
  return plane.view({plane.size(0) / block_side, block_side, plane.size(1) / block_side, block_side});
}

}  // namespace reddiff
