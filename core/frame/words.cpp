// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/words.h"

#include <ATen/ATen.h>

#include <cstdlib>

#include "core/frame/frame_device.h"

namespace reddiff {

CodeRange full_codes(int depth) {
  const double top = (1 << depth) - 1;
  return {0, top, 0, top};
}

namespace {

CodeRange color_codes(const FrameView& frame, int depth, bool chroma) {
  const double unit = 1 << (depth - 8);
  CodeRange codes = full_codes(depth);
  if (!frame.full_range) codes = {16 * unit, 219 * unit, unit, 255 * unit - 1};
  if (chroma) {
    codes.offset = 128 * unit;
    if (!frame.full_range) codes.scale = 224 * unit;
  }
  return codes;
}

}  // namespace

CodeRange core_codes(const FrameView& frame, int component) {
  const bool chroma = frame.model == ColorModel::ycbcr && component > 0;
  CodeRange codes = color_codes(frame, frame.component[component].depth, chroma);
  codes.scale /= 2;
  if (!chroma) codes.offset += codes.scale;
  return codes;
}

Words words_of(const FrameView& frame, int index) {
  const Component& c = frame.component[index];
  const bool bottom_up = c.row_stride < 0;
  auto* first = static_cast<char*>(c.data);
  if (bottom_up) first += static_cast<std::int64_t>(c.height - 1) * c.row_stride;
  const std::int64_t row = std::abs(static_cast<std::int64_t>(c.row_stride)) / c.word_bytes;
  const std::int64_t pixel = static_cast<std::int64_t>(c.pixel_stride) / c.word_bytes;
  const auto options = at::TensorOptions().dtype(c.word_bytes == 1 ? at::kByte : at::kUInt16).device(device_of(frame));
  return {at::from_blob(first, {c.height, c.width}, {row, pixel}, options), bottom_up};
}

void store(const Words& words, at::Tensor values) {
  if (words.bottom_up && values.dim() == 2) values = values.flip({0});
  if (values.device() != words.view.device()) values = values.to(words.view.scalar_type());
  words.view.copy_(values);
}

}  // namespace reddiff
