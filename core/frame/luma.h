// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The luma of a Y'CbCr frame that was read into R'G'B', for what looks at its noise.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"
#include "core/frame/noise_passes.h"

namespace reddiff {

struct Luma {
  at::Tensor picture;  // [1,1,H,W]
  double power;        // of its noise, where that of R'G'B' is white and 1
};

inline at::Tensor luma_of(const ColorMatrix& matrix, const at::Tensor& picture) {
  const double kr = matrix.kr, kb = matrix.kb, kg = 1 - kr - kb;
  return picture.narrow(1, 0, 1) * kr + picture.narrow(1, 1, 1) * kg + picture.narrow(1, 2, 1) * kb;
}

// The same in one pass over a picture in host memory, to look at and not to show: it may be rounded in another way.
inline at::Tensor quick_luma_of(const ColorMatrix& matrix, const at::Tensor& picture) {
  return lie_in_host_memory(picture) ? luma_on_host(matrix, picture) : luma_of(matrix, picture);
}

inline double luma_power(const ColorMatrix& matrix) {
  const double kg = 1 - matrix.kr - matrix.kb;
  return matrix.kr * matrix.kr + kg * kg + matrix.kb * matrix.kb;
}

inline Luma luma_of(const FrameView& frame, const at::Tensor& picture) {
  return {luma_of(frame.matrix, picture), luma_power(frame.matrix)};
}

}  // namespace reddiff
