// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A frame's components as words in memory, and what their codes mean.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"

namespace reddiff {

// code = offset + scale * value, clipped to [low, high] when written. value: 0..1, chroma -0.5..0.5.
struct CodeRange {
  double offset, scale, low, high;
};

CodeRange full_codes(int depth);

// The map of a component of colour in core's units: luma and RGB [-1,1] instead of [0,1], chroma doubled.
CodeRange core_codes(const FrameView& frame, int component);

// The words of one component, [height,width] of uint8 or uint16, bottom row first if the row stride is negative (torch
// knows no negative strides).
struct Words {
  at::Tensor view;
  bool bottom_up;
};

Words words_of(const FrameView& frame, int index);

// Writes a float tensor of words; broadcasts.
void store(const Words& words, at::Tensor values);

}  // namespace reddiff
