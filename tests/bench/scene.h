// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Made-up video for the benchmark: a texture with detail at every scale, seen by a camera that pans by whole pixels, so that
// motion can be found and the cost of everything is that of real video. And frames that own their memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/api/frame_view.h"
#include "tests/bench/measure.h"

namespace reddiff::bench {

enum class Layout { rgb, rgba, i420, a420 };

const char* name(Layout layout);

class OwnedFrame {
 public:
  OwnedFrame(Layout layout, const Size& size);

  // Repeats a smaller frame over a larger one, in bytes: a large picture without the memory that making one takes. Packed
  // layouts only.
  void fill_with(const OwnedFrame& tile);

  FrameView view;

 private:
  std::vector<std::uint8_t> bytes_;
};

class MovingScene {
 public:
  MovingScene(const Size& size, int frames);

  // [1,3,H,W] in [-1,1].
  at::Tensor frame(int index) const;

 private:
  Size size_;
  at::Tensor texture_;
};

}  // namespace reddiff::bench
