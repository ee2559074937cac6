// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/codec_error.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/api/units.h"
#include "core/frame/drawing.h"
#include "core/frame/luma.h"

namespace reddiff {
namespace {

constexpr std::int64_t place = 5;  // cells a side
// Shares of repeats and of edges, multiplied: what is drawn has more, of an error of five code values.
constexpr double drawn_at_five = 0.016, always_drawn = 0.06;
constexpr double most_hard_edges = 0.8;  // no camera sees more of them
// Of the error, and not all: too little costs next to nothing, too much takes detail away. By search on clips of several codecs.
constexpr double told = 0.7;

at::Tensor luma_to_look_at(const FrameView& frame, const at::Tensor& picture) {
  if (frame.model == ColorModel::gray) return picture.narrow(1, 0, 1);
  return quick_luma_of(frame.model == ColorModel::ycbcr ? frame.matrix : ColorMatrix{}, picture);
}

}  // namespace

at::Tensor camera_places(const at::Tensor& luma, double error) {
  const auto shares =
      at::avg_pool2d(drawing(luma), {place, place}, {1, 1}, place / 2, false, /*count_include_pad=*/false);
  const auto repeats = shares.narrow(1, 0, 1), edges = shares.narrow(1, 1, 1), hard_edges = shares.narrow(1, 2, 1);
  const double border = std::min(drawn_at_five * std::pow(level_to_user(error) / 5, 2), always_drawn);
  const auto soft = (2 - repeats * edges / border).clamp_(0, 1);
  const auto hard = ((most_hard_edges + 0.1 - hard_edges) / 0.1).clamp_(0, 1);
  return at::upsample_bilinear2d(at::minimum(soft, hard), {luma.size(2), luma.size(3)}, /*align_corners=*/false);
}

CodecError codec_error(const FrameView& frame, const at::Tensor& picture, double error) {
  auto map = camera_places(luma_to_look_at(frame, picture), error).mul_(told * error);
  const double rms = map.square().mean().sqrt().item<double>();
  return {std::move(map), rms};
}

}  // namespace reddiff
