// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A video frame as core sees it: up to four components (R, G, B or Y', Cb, Cr, then alpha), each a strided view of 8- or
// 16-bit words, plus what is needed to turn code values into R'G'B'. It owns nothing. The same description serves packed,
// planar and semi-planar formats, in host memory or in device memory. Transfer characteristics and primaries are not
// part of it: core works on the non-linear values (PQ and HLG too, though the prior has not seen such).
#pragma once

#include <cstddef>
#include <cstdint>

namespace reddiff {

enum class ColorModel { rgb, ycbcr, gray };

// Luma coefficients; Kg = 1 - Kr - Kb. Used for Y'CbCr only.
struct ColorMatrix {
  double kr = 0.2126;
  double kb = 0.0722;
};

// One component. `data` points at its first sample. Strides are in bytes and may be negative (row stride) or larger than
// the data they step over. A sample is `word_bytes` wide (1 or 2, host byte order); its value is (word >> shift) of `depth`
// bits: I420_10LE has depth 10, shift 0; P010_10LE has depth 10, shift 6.
struct Component {
  void* data = nullptr;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t pixel_stride = 0;
  int width = 0;
  int height = 0;
  int word_bytes = 1;
  int depth = 8;
  int shift = 0;
};

struct FrameView {
  int width = 0;  // pixels, of the luma or RGB plane
  int height = 0;
  ColorModel model = ColorModel::rgb;
  bool has_alpha = false;  // component[3]; always full range
  Component component[4];  // rgb, ycbcr: [0..2]; gray: [0]
  ColorMatrix matrix;
  bool full_range = true;         // else 16..235 / 16..240 of 8 bit, scaled to the depth
  bool chroma_cosited_x = true;   // chroma samples sit on even luma columns (MPEG-2) instead of between two (JPEG)
  bool chroma_cosited_y = false;  // the same for rows
  // -1: host memory; else the CUDA device that `data` points into, into an allocation of the device's primary context.
  int device_index = -1;
  // Of a device's memory, a CUstream of that context: what was queued there before is done before `data` is touched. Null: no such work.
  void* stream = nullptr;
};

// Number of colour components, alpha not counted.
inline int color_components(const FrameView& frame) { return frame.model == ColorModel::gray ? 1 : 3; }

// Throws Error{format} with one sentence when the description is impossible: sizes below 1 or above 32768, a component
// whose size does not fit the frame's (each chroma axis is either full or half, rounded up), odd strides or addresses for
// 16-bit words, depth outside 8..16, rows that overlap.
void validate(const FrameView& frame);

}  // namespace reddiff
