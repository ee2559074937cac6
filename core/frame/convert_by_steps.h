// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Y'CbCr frames by the steps of convert_steps.h, which say nothing of where frames lie: words cross to the picture's device and back here.
// On the CPU the operators of convert.cpp are quicker; the steps run there, too.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"

namespace reddiff {

// As read_picture() and write_picture() of a frame of Y'CbCr, without alpha. rgb: [3,height,width] float32, contiguous.
void read_ycbcr_by_step(const FrameView& frame, at::Tensor rgb);
void write_ycbcr_by_step(const FrameView& frame, const at::Tensor& rgb);

}  // namespace reddiff
