// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a frame is what the last one was: a codec repeats blocks, and a screen stands still.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

// Of one frame: [1,C,H,W], and [1,1,H,W] of which pixels were measured or undefined if all were.
struct MeasuredPixels {
  at::Tensor picture, known;
};

// [1,1,H,W], true: measured, and what the last frame measured there, in a window in which noise makes none alike by chance. Both know
// which pixels were measured, or neither does.
at::Tensor repeats(const MeasuredPixels& now, const MeasuredPixels& before);

// The same by RepeatedStep, as a GPU does it.
at::Tensor repeats_by_step(const MeasuredPixels& now, const MeasuredPixels& before);

}  // namespace reddiff
