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

// Whether these are tables that a decoder would take: sizes above 0, one or three planes, no step of 0, factors of 1 to 4.
bool is_valid(const JpegTables& tables);

}  // namespace reddiff
