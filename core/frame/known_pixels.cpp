// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/known_pixels.h"

#include <ATen/ATen.h>

#include "core/api/error.h"
#include "core/frame/device_queue.h"

namespace reddiff {
namespace {

// How many pixels are missing in the window from `by` before each pixel to `by` behind it: a difference of two sums, so that its cost does
// not depend on the window. Float counts exactly as far as a side is long.
at::Tensor count_along(const at::Tensor& missing, std::int64_t axis, std::int64_t by) {
  const auto size = missing.size(axis);
  const auto padded =
      axis == 3 ? at::constant_pad_nd(missing, {by + 1, by}) : at::constant_pad_nd(missing, {0, 0, by + 1, by});
  const auto sums = padded.cumsum(axis);
  return sums.narrow(axis, 2 * by + 1, size) - sums.narrow(axis, 0, size);
}

// 1 where alpha is white enough. What makes alpha of the luma of a video (alphacombine) leaves its range as it is: where more of a frame
// lies about 235, the white of limited range, than above, that is white. Decided on the device, which is not waited for.
at::Tensor opaque(const at::Tensor& alpha) {
  constexpr double limited_white = 235. / 255;
  const auto at_full = alpha >= least_known, at_limited = alpha >= least_known * limited_white;
  const auto is_limited = at_limited.sum() > 2 * at_full.sum();
  return at::where(is_limited, at_limited, at_full).to(at::kFloat);
}

at::Tensor marked(const FrameOptions& options, MaskSource source, const at::Tensor& picture, at::Tensor& alpha) {
  if (source == MaskSource::alpha) {
    if (!alpha.defined())
      throw Error(
          ErrorCode::settings,
          "the mask is the alpha channel, but this video has none; send RGBA, A420 or another format with alpha");
    const auto known = opaque(alpha);
    alpha = at::Tensor();
    return known;
  }
  if (!options.known) throw Error(ErrorCode::settings, "this configuration needs a mask with every frame");
  const auto bytes =
      at::from_blob(const_cast<std::uint8_t*>(options.known), {1, 1, picture.size(2), picture.size(3)}, at::kByte);
  return put((bytes > 0).to(at::kFloat), picture.options());
}

}  // namespace

at::Tensor with_grown_holes(const at::Tensor& known, int by) {
  if (by == 0) return known;
  const auto in_rows = (count_along(1 - known, 3, by) > 0).to(known.dtype());
  return (count_along(in_rows, 2, by) == 0).to(known.dtype());
}

at::Tensor known_pixels(const FrameOptions& options, MaskSource source, int grow, const at::Tensor& picture,
                        at::Tensor& alpha) {
  return with_grown_holes(marked(options, source, picture, alpha), grow);
}

}  // namespace reddiff
