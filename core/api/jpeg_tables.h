// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a JPEG picture was quantised: 8x8 blocks of each plane, from its upper left corner, in the orthonormal DCT.
#pragma once

#include <array>
#include <cstdint>

namespace reddiff {

struct JpegTables {
  struct Plane {
    std::array<std::uint16_t, 64>
        steps{};  // code values, row by row from the mean on, of which the first row is the horizontal frequencies
    int horizontal = 1, vertical = 1;  // sampling factors
  };

  int width = 0, height = 0;  // of the decoded picture
  int planes = 0;             // 1: gray; 3: Y', Cb, Cr
  std::array<Plane, 3> plane;
};

// libjpeg's: those of annex K of the standard, scaled to a quality of 1 to 100; three planes, and the size is left at 0. subsampling: 444,
// 422 (chroma halved across) or 420 (halved both ways).
JpegTables usual_tables(int quality, int subsampling);

// Whether these are tables that a decoder would take: sizes above 0, one or three planes, no step of 0, factors of 1 to 4.
bool is_valid(const JpegTables& tables);

}  // namespace reddiff
