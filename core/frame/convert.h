// SPDX-License-Identifier: LGPL-2.1-or-later
//
// FrameView <-> tensor: the only place where code values become [-1,1] and back. Works on the device it is given, or the picture lies on.
//
// Note [Colour range]: R'G'B' in [0,1] full scale maps to [-1,1]; values beyond (over-range Y'CbCr) are kept, never clipped,
// until code values are written. So reading and writing a frame without touching it gives the same code values.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/api/frame_view.h"

namespace reddiff {

// [1,3,H,W] float32 on `device`. Gray repeats over the channels. Chroma is interpolated by chroma.h. Throws Error{format}.
at::Tensor read_picture(const FrameView& frame, at::Device device);

// [1,2,h,w] float32, the Cb and Cr of a Y'CbCr frame at their own size: -1..1, so that R' = Y' + 2 (1 - Kr) Cr with R', Y' in [-1,1].
at::Tensor read_chroma_planes(const FrameView& frame, at::Device device);

// [1,1,H,W] float32, 0..1; undefined if the frame has no alpha.
at::Tensor read_alpha(const FrameView& frame, at::Device device);

// Every component at its own size, [1,1,h,w] float32: R, G, B in [-1,1], or Y' in [-1,1] and Cb, Cr as read_chroma_planes has them, or gray;
// then alpha in [0,1] if the frame has it.
std::vector<at::Tensor> read_planes(const FrameView& frame, at::Device device);

// The way back, rounded; clipped to the word alone, so that every code value that was read is written again.
void write_planes(const std::vector<at::Tensor>& planes, const FrameView& frame);

// Rounds to the nearest code value (ties go up) and clips to the word (limited range keeps its foot- and headroom, 1..254 for 8 bit).
// Gray takes the mean of the channels. alpha [1,1,H,W]; undefined = opaque.
void write_picture(const at::Tensor& picture, const at::Tensor& alpha, const FrameView& frame);

// Whether the same code values make the same picture in both, wherever they lie in memory.
bool have_one_layout(const FrameView& a, const FrameView& b);

// Copies code values and alpha, as they are, between frames of one layout in host memory or on one device.
void copy_frame(const FrameView& from, const FrameView& to);

}  // namespace reddiff
