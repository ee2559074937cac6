// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/scene.h"

#include <ATen/ATen.h>

#include <cstring>

#include "core/solvers/rng.h"

namespace reddiff::bench {
namespace {

constexpr int columns_per_frame = 3, rows_per_frame = 1;

Component plane(std::uint8_t* data, int width, int height, int step) {
  Component c;
  c.data = data;
  c.width = width;
  c.height = height;
  c.pixel_stride = step;
  c.row_stride = static_cast<std::ptrdiff_t>(width) * step;
  return c;
}

}  // namespace

const char* name(Layout layout) {
  switch (layout) {
    case Layout::rgb:
      return "RGB";
    case Layout::rgba:
      return "RGBA";
    case Layout::i420:
      return "I420";
    default:
      return "A420";
  }
}

OwnedFrame::OwnedFrame(Layout layout, const Size& size) {
  const bool packed = layout == Layout::rgb || layout == Layout::rgba;
  view.width = size.width;
  view.height = size.height;
  view.model = packed ? ColorModel::rgb : ColorModel::ycbcr;
  view.has_alpha = layout == Layout::rgba || layout == Layout::a420;
  view.full_range = packed;
  const auto pixels = static_cast<std::size_t>(size.width) * static_cast<std::size_t>(size.height);
  const int components = view.has_alpha ? 4 : 3;
  if (packed) {
    bytes_.resize(pixels * static_cast<std::size_t>(components));
    for (int i = 0; i < components; ++i)
      view.component[i] = plane(bytes_.data() + i, size.width, size.height, components);
    return;
  }
  const int half_width = (size.width + 1) / 2, half_height = (size.height + 1) / 2;
  const auto half = static_cast<std::size_t>(half_width) * static_cast<std::size_t>(half_height);
  bytes_.resize(pixels + 2 * half + (view.has_alpha ? pixels : 0));
  view.component[0] = plane(bytes_.data(), size.width, size.height, 1);
  view.component[1] = plane(bytes_.data() + pixels, half_width, half_height, 1);
  view.component[2] = plane(bytes_.data() + pixels + half, half_width, half_height, 1);
  if (view.has_alpha) view.component[3] = plane(bytes_.data() + pixels + 2 * half, size.width, size.height, 1);
}

void OwnedFrame::fill_with(const OwnedFrame& tile) {
  const auto row = static_cast<std::size_t>(view.component[0].row_stride);
  const auto tile_row = static_cast<std::size_t>(tile.view.component[0].row_stride);
  for (int y = 0; y < view.height; ++y) {
    const std::uint8_t* from = tile.bytes_.data() + static_cast<std::size_t>(y % tile.view.height) * tile_row;
    for (std::size_t x = 0; x < row; x += tile_row)
      std::memcpy(bytes_.data() + static_cast<std::size_t>(y) * row + x, from, std::min(tile_row, row - x));
  }
}

MovingScene::MovingScene(const Size& size, int frames) : size_(size) {
  const c10::InferenceMode no_gradients;
  const std::int64_t height = size.height + static_cast<std::int64_t>(frames) * rows_per_frame;
  const std::int64_t width = size.width + static_cast<std::int64_t>(frames) * columns_per_frame;
  texture_ = at::zeros({1, 3, height, width});
  double contrast = 0.3;
  for (std::int64_t cell = 64; cell >= 2; cell /= 2, contrast *= 0.7) {
    const std::int64_t coarse[] = {1, 3, height / cell + 2, width / cell + 2};
    const auto field = normal_field(7, static_cast<std::uint64_t>(cell), coarse, at::kCPU);
    texture_ += contrast * at::upsample_bicubic2d(field, {height, width}, false);
  }
  texture_.clamp_(-1, 1);
}

at::Tensor MovingScene::frame(int index) const {
  return texture_.narrow(2, index * rows_per_frame, size_.height)
      .narrow(3, index * columns_per_frame, size_.width)
      .contiguous();
}

}  // namespace reddiff::bench
