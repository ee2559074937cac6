// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Figures in a corner of a frame, white on black: what was done to it, for whoever looks at it.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/api/frame_view.h"
#include "core/api/restorer.h"

namespace reddiff {

// A line for each figure of FrameOptions::overlay, in the order of enum Overlay. What was not measured is "-". ms: what the time says.
std::vector<std::string> overlay_lines(unsigned overlay, const FrameReport& report, double ms);

// [1,3,h,w], CPU, 1 where a letter is, else -1; h and w even. scale: pixels of the picture for a pixel of the font.
at::Tensor drawn_lines(const std::vector<std::string>& lines, int scale);

// Writes them into the upper left corner of a frame, as far as it reaches; every other word stays as it is. Alpha becomes opaque there.
// worker: the device that makes code values of them.
void draw_overlay(const std::vector<std::string>& lines, const FrameView& frame, at::Device worker);

}  // namespace reddiff
