// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/frame_view.h"

#include <cmath>
#include <string>

#include "core/api/error.h"

namespace reddiff {
namespace {

constexpr int max_side = 32768;
// Far beyond any real stride, small enough that a whole frame of them cannot overflow 64 bits.
constexpr std::int64_t max_stride = std::int64_t{1} << 31;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::format, "The video frame cannot be used: " + what + ".");
}

std::string extent(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

int half(int side) { return side / 2 + side % 2; }

void check_words(const Component& c, const std::string& name) {
  if (c.word_bytes != 1 && c.word_bytes != 2)
    refuse(name + " has words of " + std::to_string(c.word_bytes) + " bytes instead of 1 or 2");
  if (c.depth < 8 || c.depth > 16) refuse(name + " has " + std::to_string(c.depth) + " bits instead of 8 to 16");
  if (c.shift < 0 || c.shift > 8 || c.depth + c.shift > 8 * c.word_bytes) {
    refuse(name + " has " + std::to_string(c.depth) + " bits shifted by " + std::to_string(c.shift) +
           ", which do not fit its words");
  }
}

void check_layout(const Component& c, const std::string& name) {
  if (c.data == nullptr) refuse(name + " has no data");
  const std::int64_t row = c.row_stride;
  const std::int64_t pixel = c.pixel_stride;
  if (row < -max_stride || row > max_stride || pixel > max_stride) refuse(name + " has an impossible stride");
  if (pixel < c.word_bytes) refuse(name + " has samples that overlap");
  if (c.word_bytes == 2 && (reinterpret_cast<std::uintptr_t>(c.data) % 2 != 0 || row % 2 != 0 || pixel % 2 != 0)) {
    refuse(name + " has 16-bit words at odd addresses");
  }
  const std::int64_t used = std::int64_t{c.width - 1} * pixel + c.word_bytes;
  if (c.height > 1 && (row < 0 ? -row : row) < used) refuse(name + " has rows that overlap");
}

void check_size(const FrameView& frame, const Component& c, bool chroma, const std::string& name) {
  const bool width_fits = c.width == frame.width || (chroma && c.width == half(frame.width));
  const bool height_fits = c.height == frame.height || (chroma && c.height == half(frame.height));
  if (!width_fits || !height_fits) {
    refuse(name + " of " + extent(c.width, c.height) + " does not fit a frame of " + extent(frame.width, frame.height));
  }
}

void check_matrix(const ColorMatrix& m) {
  if (!std::isfinite(m.kr) || !std::isfinite(m.kb) || m.kr <= 0 || m.kb <= 0 || m.kr + m.kb >= 1) {
    refuse("its luma coefficients are not between 0 and 1");
  }
}

}  // namespace

void validate(const FrameView& frame) {
  if (frame.width < 1 || frame.height < 1 || frame.width > max_side || frame.height > max_side) {
    refuse("its size " + extent(frame.width, frame.height) + " is not between 1x1 and 32768x32768");
  }
  if (frame.model != ColorModel::rgb && frame.model != ColorModel::ycbcr && frame.model != ColorModel::gray) {
    refuse("its colour model is unknown");
  }
  if (frame.device_index < -1 || frame.device_index > 127) refuse("its device index is not between -1 and 127");
  if (frame.device_index < 0 && frame.stream != nullptr) refuse("it lies in host memory and names a CUDA stream");
  if (frame.model == ColorModel::ycbcr) check_matrix(frame.matrix);

  const int colors = color_components(frame);
  for (int i = 0; i < 4; ++i) {
    if (i >= colors && !(i == 3 && frame.has_alpha)) continue;
    const Component& c = frame.component[i];
    const std::string name = i == 3 ? "alpha" : "component " + std::to_string(i);
    check_size(frame, c, frame.model == ColorModel::ycbcr && (i == 1 || i == 2), name);
    check_words(c, name);
    check_layout(c, name);
  }
  if (frame.model == ColorModel::ycbcr && (frame.component[1].width != frame.component[2].width ||
                                           frame.component[1].height != frame.component[2].height)) {
    refuse("its two chroma components differ in size");
  }
}

}  // namespace reddiff
