// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/jpeg_planes.h"

#include <ATen/ATen.h>

#include <cmath>
#include <tuple>
#include <vector>

#include "core/frame/block_dct.h"
#include "core/frame/chroma.h"
#include "core/frame/chroma_gains.h"
#include "core/frame/device_queue.h"

namespace reddiff::jpeg {

at::Tensor plane_of(const ColorMatrix& matrix, const at::Tensor& picture, const at::Tensor& luma_plane, int plane) {
  if (plane == luma) return luma_plane;
  const auto gains = chroma_gains(matrix);
  return (picture.narrow(1, plane == cb ? 2 : 0, 1) - luma_plane).div_(plane == cb ? gains.cb_b : gains.cr_r);
}

void add_to(at::Tensor& picture, const at::Tensor& change, const ColorMatrix& matrix, int plane) {
  const auto gains = chroma_gains(matrix);
  const double of_rgb[3][3] = {{1, 1, 1}, {0, gains.cb_g, gains.cb_b}, {gains.cr_r, gains.cr_g, 0}};
  for (int c = 0; c < 3; ++c)
    if (of_rgb[plane][c] != 0) picture.narrow(1, c, 1).add_(change, of_rgb[plane][c]);
}

double norm_of(const ColorMatrix& matrix, int plane) {
  const double power = luma_power(matrix);
  if (plane == luma) return std::sqrt(power);
  const auto gains = chroma_gains(matrix);
  const double own = plane == cb ? matrix.kb : matrix.kr;
  return std::sqrt(power - 2 * own + 1) / (plane == cb ? gains.cb_b : gains.cr_r);
}

at::Tensor pooled(const at::Tensor& plane, int across, int down) {
  auto result = plane;
  if (across == 2) result = downsample_chroma(result, 3, false);
  if (down == 2) result = downsample_chroma(result, 2, false);
  return result;
}

at::Tensor enlarged(const at::Tensor& chroma, std::int64_t dim, std::int64_t length) {
  const auto n = chroma.size(dim);
  const auto before = at::cat({chroma.narrow(dim, 0, 1), chroma.narrow(dim, 0, n - 1)}, dim);
  const auto after = at::cat({chroma.narrow(dim, 1, n - 1), chroma.narrow(dim, n - 1, 1)}, dim);
  const auto pairs = at::stack({at::lerp(chroma, before, 0.25), at::lerp(chroma, after, 0.25)}, dim + 1);
  return pairs.flatten(dim, dim + 1).narrow(dim, 0, length);
}

// Means of what was enlarged are the samples with their detail weakened, the finest by half: some steps of Richardson bring it back.
at::Tensor before_enlarging(const at::Tensor& means, int across, int down, std::int64_t height, std::int64_t width) {
  constexpr int steps = 6;
  constexpr double way = 4.0 / 3;
  auto chroma = means;
  for (const auto& [halved, dim, length] : {std::tuple{across, 3, width}, std::tuple{down, 2, height}}) {
    if (halved != 2) continue;
    const auto target = chroma;
    for (int step = 0; step < steps; ++step)
      chroma = chroma + (target - downsample_chroma(enlarged(chroma, dim, length), dim, false)) * way;
  }
  return chroma;
}

at::Tensor steps_of(const JpegTables::Plane& plane, const at::Tensor& like) {
  const std::vector<float> steps(plane.steps.begin(), plane.steps.end());
  return put(at::tensor(steps).view({1, block_side, 1, block_side}), like.options());
}

}  // namespace reddiff::jpeg
