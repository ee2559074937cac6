// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Both pictures are reduced to a long side of 32 samples. Around every sample a window of a third of the long side looks
// for its best place in the other picture, within a sixteenth of the long side (a fast pan between two frames); what is left
// of the squared difference is compared with the energy of both.
#include "core/temporal/scene_cut.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace reddiff {
namespace {

constexpr double long_side = 32;
constexpr double least_reduction = 4;     // averages the noise of small pictures
constexpr double structure_floor = 0.02;  // energy (two variances, [-1,1] units) below which nothing can be told
constexpr double unrelated_gain = 1.25;   // the search explains about a fifth of unrelated pictures by chance

at::Tensor reduce(const at::Tensor& picture) {
  const double h = static_cast<double>(picture.size(2));
  const double w = static_cast<double>(picture.size(3));
  const double scale = std::min(long_side / std::max(h, w), 1 / least_reduction);
  const auto side = [scale](double length) { return std::max<std::int64_t>(1, std::lround(length * scale)); };
  // One axis after the other, which a GPU does at more places at once.
  const at::Tensor across = at::adaptive_avg_pool2d(picture.mean(1, true), {picture.size(2), side(w)});
  const at::Tensor small = at::adaptive_avg_pool2d(across, {side(h), side(w)});
  return small - small.mean();
}

// Mean over the samples of `a` of the best match in `b`. a, b: [1,1,h,w].
at::Tensor unexplained(const at::Tensor& a, const at::Tensor& b, std::int64_t reach, std::int64_t window) {
  const std::int64_t h = a.size(2);
  const std::int64_t w = a.size(3);
  const at::Tensor padded = at::replication_pad2d(b, {reach, reach, reach, reach});
  std::vector<at::Tensor> moved;
  for (std::int64_t y = 0; y <= 2 * reach; ++y)
    for (std::int64_t x = 0; x <= 2 * reach; ++x) moved.push_back(padded.narrow(2, y, h).narrow(3, x, w));
  const auto odd_within = [window](std::int64_t length) { return std::min(window, 2 * ((length - 1) / 2) + 1); };
  const std::int64_t kh = odd_within(h);
  const std::int64_t kw = odd_within(w);
  const at::Tensor error =
      at::avg_pool2d((at::cat(moved, 0) - a).square_(), {kh, kw}, {1, 1}, {kh / 2, kw / 2}, false, false);
  return error.amin(0).mean();
}

}  // namespace

at::Tensor unexplained_share(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor first = reduce(a);
  const at::Tensor second = reduce(b);
  const auto longest = static_cast<double>(std::max(first.size(2), first.size(3)));
  const auto reach = std::max<std::int64_t>(1, std::lround(longest / 16));
  const auto window = 2 * std::lround(longest / 6) + 1;
  const at::Tensor left = (unexplained(first, second, reach, window) + unexplained(second, first, reach, window)) / 2;
  const at::Tensor energy = first.square().mean() + second.square().mean();
  return left / (energy + structure_floor);
}

double scene_distance(const at::Tensor& share) { return std::min(1.0, unrelated_gain * share.item<double>()); }

double scene_distance(const at::Tensor& a, const at::Tensor& b) { return scene_distance(unexplained_share(a, b)); }

bool is_scene_cut(const at::Tensor& a, const at::Tensor& b, double threshold) {
  return threshold > 0 && scene_distance(a, b) > threshold;
}

}  // namespace reddiff
