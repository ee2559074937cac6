// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/blend.h"

#include <ATen/ATen.h>

namespace reddiff {

at::Tensor plainly_resampled(const at::Tensor& picture, int factor) {
  if (factor == 1) return picture;
  return at::upsample_bicubic2d(picture, {picture.size(2) * factor, picture.size(3) * factor}, false);
}

at::Tensor blended(const at::Tensor& plain, const at::Tensor& restored, const at::Tensor& known, double strength) {
  auto share = at::full({1, 1, 1, 1}, strength, restored.options());
  if (known.defined()) share = 1 - at::upsample_nearest2d(known, {restored.size(2), restored.size(3)}) * (1 - share);
  return at::lerp(plain, restored, share.expand_as(restored));
}

}  // namespace reddiff
