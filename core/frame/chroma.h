// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Chroma subsampling by two and its inverse, for samples between two luma samples (centred) or on the even ones (cosited).
// `upsample` is a right inverse of `downsample` for every length and siting: downsample(upsample(c)) == c up to rounding of
// floats, and a linear ramp is interpolated exactly away from the borders. That is why 4:2:0 survives a round trip.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace reddiff {

// c: [N,C,h,w]; along dimension dim (2 or 3) its length n becomes `length`, with n == (length + 1) / 2.
at::Tensor upsample_chroma(const at::Tensor& c, std::int64_t dim, std::int64_t length, bool cosited);

// Centred: mean of the pair. Cosited: (1 2 1)/4 around even samples, mirrored at the borders.
at::Tensor downsample_chroma(const at::Tensor& c, std::int64_t dim, bool cosited);

}  // namespace reddiff
