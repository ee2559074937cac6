// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/grain.h"

#include <ATen/ATen.h>

#include "core/frame/chroma.h"

namespace reddiff {
namespace {

// n of Y', Cb and Cr, each of its own level at its own size.
at::Tensor by_planes(const std::array<double, 3>& levels, const FrameView& frame, const at::Tensor& unit) {
  const double kr = frame.matrix.kr, kb = frame.matrix.kb, kg = 1 - kr - kb;
  const Component& chroma = frame.component[1];
  const auto luma = unit.narrow(1, 0, 1) * levels[0];
  auto colours = unit.narrow(1, 1, 2).narrow(2, 0, chroma.height).narrow(3, 0, chroma.width).contiguous();
  colours = at::cat({colours.narrow(1, 0, 1) * levels[1], colours.narrow(1, 1, 1) * levels[2]}, 1);
  if (chroma.height < frame.height) colours = upsample_chroma(colours, 2, frame.height, frame.chroma_cosited_y);
  if (chroma.width < frame.width) colours = upsample_chroma(colours, 3, frame.width, frame.chroma_cosited_x);
  const auto blue = colours.narrow(1, 0, 1) * (2 * (1 - kb)), red = colours.narrow(1, 1, 1) * (2 * (1 - kr));
  return at::cat({luma + red, luma - (red * kr + blue * kb) / kg, luma + blue}, 1);
}

at::Tensor even(const Grain& like, const FrameView& frame, const at::Tensor& unit) {
  if (like.spectrum) return like.spectrum->noise(unit) * like.rms;
  if (frame.model == ColorModel::gray) return (unit.narrow(1, 0, 1) * like.of_planes[0]).expand_as(unit);
  if (frame.model == ColorModel::ycbcr && like.by_planes) return by_planes(like.of_planes, frame, unit);
  return unit * like.rms;
}

}  // namespace

at::Tensor grain(const Grain& like, const FrameView& frame, const at::Tensor& unit) {
  const auto noise = even(like, frame, unit);
  if (!like.map.defined()) return noise;
  const auto share = like.map / like.map.square().mean().sqrt();
  return noise * at::upsample_nearest2d(share, {unit.size(2), unit.size(3)});
}

}  // namespace reddiff
