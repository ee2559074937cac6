// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/motion.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>

#include "core/temporal/scene_cut.h"

namespace reddiff {
namespace {

constexpr double noisy = 4 * 2.0 / 255;
constexpr std::int64_t smallest_halved_side = 96;

// The motion of halved pictures for pictures of this size; an odd last line, which they lack, moves as the one before it.
at::Tensor doubled_flow(const at::Tensor& flow, std::int64_t height, std::int64_t width) {
  if (flow.size(2) == height && flow.size(3) == width) return flow;
  const auto odd = at::replication_pad2d(flow, {0, width % 2, 0, height % 2});
  return at::upsample_bilinear2d(odd, {2 * odd.size(2), 2 * odd.size(3)}, false)
      .narrow(2, 0, height)
      .narrow(3, 0, width)
      .mul(2);
}

}  // namespace

void Motion::ask_for_cut(const at::Tensor& now, const at::Tensor& before) {
  if (search_.scene_threshold > 0 && !cut_ && !asked_) asked_.emplace(unexplained_share(now, before));
}

bool Motion::is_cut(const at::Tensor& now, const at::Tensor& before) {
  ask_for_cut(now, before);
  if (!cut_) cut_ = asked_ && scene_distance(asked_->get()) > search_.scene_threshold;
  return *cut_;
}

at::Tensor Motion::backward(const at::Tensor& now, const at::Tensor& before, double noise) {
  if (backward_.defined()) return backward_;
  backward_ = noise > noisy ? doubled_flow(between(halved(now), halved(before)), now.size(2), now.size(3))
                            : between(now, before);
  return backward_;
}

at::Tensor halved(const at::Tensor& picture) {
  return std::min(picture.size(2), picture.size(3)) >= smallest_halved_side ? at::avg_pool2d(picture, {2, 2}) : picture;
}

}  // namespace reddiff
