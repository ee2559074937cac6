// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The planes that a JPEG coder works on: luma and chroma of R'G'B' pictures, core units.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"
#include "core/api/jpeg_tables.h"
#include "core/frame/luma.h"

namespace reddiff::jpeg {

// Planes in core units as code values; the DCT of JPEG is of luma minus 128, which is half a code value off core's 0.
inline constexpr double codes = 127.5, luma_shift = -0.5;

enum Plane { luma = 0, cb = 1, cr = 2 };

// JFIF's.
inline constexpr ColorMatrix of_files{0.299, 0.114};

inline at::Tensor luma_of_files(const at::Tensor& picture) { return luma_of(of_files, picture); }

// [1,1,h,w] of a picture, at its size.
at::Tensor plane_of(const ColorMatrix& matrix, const at::Tensor& picture, const at::Tensor& luma_plane, int plane);

// Adds a change of one plane, [.,1,h,w], to a picture, in place.
void add_to(at::Tensor& picture, const at::Tensor& change, const ColorMatrix& matrix, int plane);

// Deviation of a plane's noise where that of R'G'B' is white and 1.
double norm_of(const ColorMatrix& matrix, int plane);

// Means over the pixels that share a sample, across and down 1 or 2, as encoders make them.
at::Tensor pooled(const at::Tensor& plane, int across, int down);

// Chroma at the size of the picture as libjpeg makes it, along dimension 2 or 3 to `length`: 3/4 of the nearest sample and 1/4 of the next.
at::Tensor enlarged(const at::Tensor& chroma, std::int64_t dim, std::int64_t length);

// The chroma that was enlarged so, from the means over its pixels (pooled()) of a picture of height x width pixels; to 1e-3 of its detail.
at::Tensor before_enlarging(const at::Tensor& means, int across, int down, std::int64_t height, std::int64_t width);

// [1,8,1,8], as blocks of block_dct.h lie.
at::Tensor steps_of(const JpegTables::Plane& plane, const at::Tensor& like);

}  // namespace reddiff::jpeg
