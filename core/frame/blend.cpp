// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/blend.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/frame/luma.h"

namespace reddiff {
namespace {

// Of `restored` in each pixel.
at::Tensor share_of(const at::Tensor& restored, const at::Tensor& known, double strength) {
  const auto share = at::full({1, 1, 1, 1}, strength, restored.options());
  if (!known.defined()) return share;
  return 1 - at::upsample_nearest2d(known, {restored.size(2), restored.size(3)}) * (1 - share);
}

}  // namespace

at::Tensor plainly_resampled(const at::Tensor& picture, int factor) {
  if (factor == 1) return picture;
  return at::upsample_bicubic2d(picture, {picture.size(2) * factor, picture.size(3) * factor}, false);
}

at::Tensor compared(const at::Tensor& plain, const at::Tensor& restored, double share) {
  const auto width = restored.size(3);
  const auto columns = static_cast<std::int64_t>(std::llround(share * static_cast<double>(width)));
  if (columns <= 0) return restored;
  if (columns >= width) return plain;
  const auto line = at::ones_like(restored.narrow(3, columns, 1));
  return at::cat({plain.narrow(3, 0, columns), line, restored.narrow(3, columns + 1, width - columns - 1)}, 3);
}

at::Tensor blended(const at::Tensor& plain, const at::Tensor& restored, const at::Tensor& known, double strength) {
  return at::lerp(plain, restored, share_of(restored, known, strength).expand_as(restored));
}

at::Tensor chroma_blended(const at::Tensor& plain, const at::Tensor& restored, const at::Tensor& known,
                          const ColorMatrix& matrix, double strength) {
  const auto difference = plain - restored;
  const auto of_chroma = difference - luma_of(matrix, difference);  // has no luma itself
  return restored + of_chroma * (1 - share_of(restored, known, strength));
}

}  // namespace reddiff
