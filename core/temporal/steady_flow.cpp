// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/steady_flow.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "core/frame/step_runner.h"
#include "core/frame/window.h"
#include "core/temporal/filter_steps.h"

namespace reddiff {
namespace {

// Motion of a pixel is expected to differ from that around by so much that this share of sv^2 is its weight; of a square of four
// times the pixels, a third of that.
constexpr double stiffness = 0.2;
constexpr double growth = 3;
constexpr std::int64_t window = 3;
// An edge says so much of motion along itself that the equations can be solved with seven digits.
constexpr double along_edges = 1e-3;

at::Tensor halved(const at::Tensor& x) { return at::avg_pool2d(x, {2, 2}, {2, 2}, {0, 0}, true, false); }

// Of the first level, half the picture's size: J in channels 0 to 2 (xx, xy, yy), b in 3 and 4.
at::Tensor known_motion(const at::Tensor& flow, const at::Tensor& picture) {
  const auto height = picture.size(2), width = picture.size(3);
  const auto padded = at::replication_pad2d(picture, {1, 1, 1, 1});
  const auto at_offset = [&](std::int64_t x, std::int64_t y) {
    return padded.narrow(2, 1 + y, height).narrow(3, 1 + x, width);
  };
  const auto across = (at_offset(1, 0) - at_offset(-1, 0)).mul_(0.5);
  const auto down = (at_offset(0, 1) - at_offset(0, -1)).mul_(0.5);
  const auto xx = across.square().mean(1, true), xy = (across * down).mean(1, true), yy = down.square().mean(1, true);
  const auto u = flow.narrow(1, 0, 1), v = flow.narrow(1, 1, 1);
  const auto known = at::cat({xx, xy, yy, xx * u + xy * v, xy * u + yy * v}, 1);
  return window_mean(halved(known), window);
}

at::Tensor solved(const at::Tensor& level, const at::Tensor& around, double weight) {
  const auto own = (level.narrow(1, 0, 1) + level.narrow(1, 2, 1)).mul_(along_edges).add_(weight);
  const auto xx = level.narrow(1, 0, 1) + own, xy = level.narrow(1, 1, 1), yy = level.narrow(1, 2, 1) + own;
  const auto b = level.narrow(1, 3, 2) + own * around;
  const auto bx = b.narrow(1, 0, 1), by = b.narrow(1, 1, 1);
  return at::cat({yy * bx - xy * by, xx * by - xy * bx}, 1) / (xx * yy - xy * xy);
}

std::vector<at::Tensor> pyramid_of(const at::Tensor& first) {
  std::vector<at::Tensor> levels = {first};
  while (std::min(levels.back().size(2), levels.back().size(3)) > 2) levels.push_back(halved(levels.back()));
  return levels;
}

std::vector<double> weights_of(std::size_t levels, double noise) {
  std::vector<double> weights;
  // The floor: without noise, e_l of a flat picture must not vanish.
  for (double weight = stiffness * noise * noise; weights.size() < levels; weight /= growth)
    weights.push_back(std::max(weight, 1e-12));
  return weights;
}

std::int32_t height_of(const at::Tensor& t) { return step_size(t.size(2)); }
std::int32_t width_of(const at::Tensor& t) { return step_size(t.size(3)); }

}  // namespace

at::Tensor steady_flow(const at::Tensor& flow, const at::Tensor& picture, double noise) {
  if (StepRunner::has_kernels(picture.device())) return steady_flow_by_steps(flow, picture, noise);
  const auto levels = pyramid_of(known_motion(flow, picture));
  const auto weights = weights_of(levels.size(), noise);
  auto steady = at::adaptive_avg_pool2d(flow, {1, 1});
  for (std::size_t i = levels.size(); i-- > 0;) {
    const auto height = levels[i].size(2), width = levels[i].size(3);
    if (steady.size(2) != height || steady.size(3) != width)
      steady = at::upsample_bilinear2d(steady, {height, width}, false);
    steady = solved(levels[i], steady, weights[i]);
  }
  return at::upsample_bilinear2d(steady, {flow.size(2), flow.size(3)}, false);
}

at::Tensor steady_flow_by_steps(const at::Tensor& flow, const at::Tensor& picture, double noise) {
  const StepRunner run(picture.device());
  const auto from = picture.contiguous(), motion = flow.contiguous();
  const auto first =
      at::empty({1, 5, (picture.size(2) + 1) / 2, (picture.size(3) + 1) / 2}, picture.options().dtype(at::kFloat));
  run(KnownMotionStep{from.const_data_ptr<float>(), motion.const_data_ptr<float>(), step_size(from.size(1)),
                      height_of(from), width_of(from), first.mutable_data_ptr<float>(), height_of(first),
                      width_of(first)});
  const auto levels = pyramid_of(window_mean(first, window));
  const auto weights = weights_of(levels.size(), noise);
  auto steady = at::adaptive_avg_pool2d(motion, {1, 1});
  for (std::size_t i = levels.size(); i-- > 0;) {
    const auto level = levels[i].contiguous(), coarse = steady;
    steady = at::empty({1, 2, level.size(2), level.size(3)}, level.options());
    run(SteadyStep{level.const_data_ptr<float>(), coarse.const_data_ptr<float>(), height_of(coarse), width_of(coarse),
                   static_cast<float>(weights[i]), static_cast<float>(along_edges), steady.mutable_data_ptr<float>(),
                   height_of(steady), width_of(steady)});
  }
  return at::upsample_bilinear2d(steady, {flow.size(2), flow.size(3)}, false);
}

}  // namespace reddiff
