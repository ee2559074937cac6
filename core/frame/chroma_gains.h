// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/api/frame_view.h"

namespace reddiff {

// R'G'B' = Y' + (cr_r Cr, cb_g Cb + cr_g Cr, cb_b Cb)
struct ChromaGains {
  double cr_r, cb_g, cr_g, cb_b;
};

inline ChromaGains chroma_gains(const ColorMatrix& m) {
  const double kg = 1 - m.kr - m.kb;
  const double cr_r = 2 * (1 - m.kr);
  const double cb_b = 2 * (1 - m.kb);
  return {cr_r, -m.kb * cb_b / kg, -m.kr * cr_r / kg, cb_b};
}

}  // namespace reddiff
