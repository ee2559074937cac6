// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/codec_error.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/api/units.h"
#include "core/frame/luma.h"

namespace reddiff {
namespace {

constexpr std::int64_t cell = 16;  // pixels a side, and five cells are a place
constexpr std::int64_t place = 5;
constexpr double edge = 30, hard_edge = 60;  // code values between a pixel and its neighbours
// Shares of repeats and of edges, multiplied: what is drawn has more, of an error of five code values.
constexpr double drawn_at_five = 0.016, always_drawn = 0.06;
constexpr double most_hard_edges = 0.8;  // no camera sees more of them
// Of the error, and not all: too little costs next to nothing, too much takes detail away. By search on clips of several codecs.
constexpr double told = 0.7;

// Whether a pixel equals those that are so far away on all four sides.
at::Tensor equals_around(const at::Tensor& luma, std::int64_t away) {
  constexpr double equal = 0.5;
  const auto height = luma.size(2), width = luma.size(3);
  const auto padded = at::replication_pad2d(luma, {away, away, away, away});
  const auto differs = [&](std::int64_t y, std::int64_t x) {
    return (padded.narrow(2, y, height).narrow(3, x, width) - luma).abs_();
  };
  const auto most = at::maximum(differs(0, away), differs(2 * away, away));
  return at::maximum(most, at::maximum(differs(away, 0), differs(away, 2 * away))).lt(equal);
}

// 1 in what is plain, and where every second pixel is alike, as in a dither.
at::Tensor repeats(const at::Tensor& luma) {
  return equals_around(luma, 1).logical_or_(equals_around(luma, 2)).to(at::kFloat);
}

// Between the brightest and the darkest of nine pixels.
at::Tensor range_of_nine(const at::Tensor& luma) {
  const auto brightest = [](const at::Tensor& values) { return at::max_pool2d(values, {3, 3}, {1, 1}, {1, 1}); };
  return brightest(luma) + brightest(-luma);
}

// Share of a place, a value a cell.
at::Tensor share(const at::Tensor& where) {
  const auto cells = at::avg_pool2d(where, {cell, cell}, {cell, cell}, 0, /*ceil_mode=*/true, false);
  return at::avg_pool2d(cells, {place, place}, {1, 1}, place / 2, false, /*count_include_pad=*/false);
}

at::Tensor luma_to_look_at(const FrameView& frame, const at::Tensor& picture) {
  if (frame.model == ColorModel::gray) return picture.narrow(1, 0, 1);
  return quick_luma_of(frame.model == ColorModel::ycbcr ? frame.matrix : ColorMatrix{}, picture);
}

}  // namespace

at::Tensor camera_places(const at::Tensor& luma, double error) {
  const auto code_values = (luma * level_to_user(1)).round_();
  const auto range = range_of_nine(code_values);
  const auto drawn = share(repeats(code_values)) * share(range.gt(edge).to(at::kFloat));
  const double border = std::min(drawn_at_five * std::pow(level_to_user(error) / 5, 2), always_drawn);
  const auto soft = (2 - drawn / border).clamp_(0, 1);
  const auto hard = ((most_hard_edges + 0.1 - share(range.gt(hard_edge).to(at::kFloat))) / 0.1).clamp_(0, 1);
  return at::upsample_bilinear2d(at::minimum(soft, hard), {luma.size(2), luma.size(3)}, /*align_corners=*/false);
}

CodecError codec_error(const FrameView& frame, const at::Tensor& picture, double error) {
  auto map = camera_places(luma_to_look_at(frame, picture), error).mul_(told * error);
  const double rms = map.square().mean().sqrt().item<double>();
  return {std::move(map), rms};
}

}  // namespace reddiff
