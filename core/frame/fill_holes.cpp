// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/fill_holes.h"

#include <ATen/ATen.h>

namespace reddiff {
namespace {

at::Tensor fill_level(const at::Tensor& picture, const at::Tensor& known) {
  const auto height = picture.size(2), width = picture.size(3);
  const auto masked = picture * known;
  if (height == 1 && width == 1) return masked;
  const auto pad_rows = height % 2, pad_columns = width % 2;
  const auto even = at::constant_pad_nd(masked, {0, pad_columns, 0, pad_rows});
  const auto even_known = at::constant_pad_nd(known, {0, pad_columns, 0, pad_rows});
  const auto share = at::avg_pool2d(even_known, {2, 2});
  const auto coarse = at::avg_pool2d(even, {2, 2}) / share.clamp_min(1e-6);
  const auto filled = fill_level(coarse, (share > 0).to(picture.dtype()));
  const auto fine = at::upsample_bilinear2d(filled, {even.size(2), even.size(3)}, false);
  return masked + (1 - known) * fine.slice(2, 0, height).slice(3, 0, width);
}

}  // namespace

at::Tensor fill_holes(const at::Tensor& picture, const at::Tensor& known) { return fill_level(picture, known); }

}  // namespace reddiff
