// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What of a frame's description, its memory aside, makes two frames comparable: where it changes, what is remembered is worthless.
#pragma once

#include "core/api/frame_view.h"

namespace reddiff {

struct Geometry {
  int width = 0, height = 0, depth = 0, chroma_width = 0, chroma_height = 0;
  ColorModel model = ColorModel::rgb;
  bool full_range = true, has_alpha = false, cosited_x = true, cosited_y = false;
  double kr = 0, kb = 0;
  bool operator==(const Geometry&) const = default;
};

inline Geometry geometry_of(const FrameView& frame) {
  return {
      frame.width,     frame.height,     frame.component[0].depth, frame.component[1].width, frame.component[1].height,
      frame.model,     frame.full_range, frame.has_alpha,          frame.chroma_cosited_x,   frame.chroma_cosited_y,
      frame.matrix.kr, frame.matrix.kb};
}

}  // namespace reddiff
