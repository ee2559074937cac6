// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where the blocks of a picture were in the one before, in whole pixels: what is fetched from there has its noise as it was, which sub-pixel
// motion would smooth. For those who look at what changes; pictures are restored along core/temporal's motion.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace reddiff {

class WholeMotion {
 public:
  static constexpr std::int64_t side = 32;   // of blocks
  static constexpr std::int64_t reach = 15;  // up to so many pixels in both directions

  // Luma, [1,1,H,W], and its means of 2x2 and 4x4 pixels. A block stays where it is unless it is plain that it does not:
  // noise alone moves next to nothing. Nothing waits for a GPU.
  WholeMotion(const std::array<at::Tensor, 3>& now, const std::array<at::Tensor, 3>& before);

  // Planes of the picture before, [1,C,h,w], at the size of luma or with axes that are halved or quartered, where they are now. What came in
  // from outside is as the nearest pixel of the border.
  at::Tensor moved(const at::Tensor& before) const;

  // [2,rows,columns], int64: for each block, how far down and to the right its pixels were of where they are.
  const at::Tensor& by_block() const { return motion_; }

 private:
  at::Tensor motion_;
  std::int64_t height_, width_;
};

}  // namespace reddiff
