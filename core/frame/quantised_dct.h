// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A frame as a JPEG decoder left it: planes Y', Cb, Cr (chroma at its own size), each in blocks of 8x8 whose DCT was rounded to multiples
// of known steps q. Of the coefficients c of the picture before that there is known that |c - k q| <= q / 2, and k is found by rounding
// those of the decoded planes. The data step, plane by plane, is the mean of N(T D, s^2 |T|^2) truncated to these cells
// (truncated_mean.h), where T takes R'G'B' to a coefficient: conversion, mean over the pixels that share a chroma sample, DCT; its change
// is put back by repeating samples, so that T of the result is that mean. A frame that was only converted since, to R'G'B' say, still has
// the planes but for rounding; chroma that was enlarged on its way has not, and goes without cells.
//
// Evidence comes before belief: a block is taken for what the tables say if decoding the k q gives its pixels again, for pixels at black or
// white only that they are beyond. A frame that was scaled, moved off the grid or made brighter on its way, and tables of something else,
// fail nearly everywhere, and are not believed at all. A block that fails in a good frame has wider cells around what is there; blocks that the
// frame's border cuts have none.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"
#include "core/api/jpeg_tables.h"
#include "core/frame/likelihood.h"

namespace reddiff {

// The root mean square of the errors that such tables leave in R'G'B', as photographs have it; core units.
double jpeg_error(const JpegTables& tables);

struct CodedPicture {
  LikelihoodPtr likelihood;  // null: the frame is not what the tables tell of
  double share = 0;          // of the luma's blocks that are as the tables say, more than 0
};

// picture: as read_picture() has read the frame, [1,3,h,w]. noise: of the scene, before it was compressed; core units, 0: none.
CodedPicture make_quantised_dct(const FrameView& frame, const at::Tensor& picture, const JpegTables& tables,
                                double noise = 0);

// The same where the tables are those of an operator `jpeg` that the frame has come from: its planes are JFIF's whatever the frame's own are,
// and they are believed, block by block. Never null; with no cells in planes of less than a block.
LikelihoodPtr make_jpeg_cells(const FrameView& frame, const at::Tensor& picture, const JpegTables& tables,
                              double noise = 0);

}  // namespace reddiff
