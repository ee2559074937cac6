// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The luma of a Y'CbCr frame that was read into R'G'B', for what looks at its noise.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"

namespace reddiff {

struct Luma {
  at::Tensor picture;  // [1,1,H,W]
  double power;        // of its noise, where that of R'G'B' is white and 1
};

inline at::Tensor luma_of(const ColorMatrix& matrix, const at::Tensor& picture) {
  const double kr = matrix.kr, kb = matrix.kb, kg = 1 - kr - kb;
  return picture.narrow(1, 0, 1) * kr + picture.narrow(1, 1, 1) * kg + picture.narrow(1, 2, 1) * kb;
}

inline Luma luma_of(const FrameView& frame, const at::Tensor& picture) {
  const double kr = frame.matrix.kr, kb = frame.matrix.kb, kg = 1 - kr - kb;
  return {luma_of(frame.matrix, picture), kr * kr + kg * kg + kb * kb};
}

}  // namespace reddiff
