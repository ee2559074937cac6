// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/temporal/behind_holes.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "core/frame/fill_holes.h"
#include "core/frame/window.h"
#include "core/temporal/warp.h"

namespace reddiff {
namespace {

// Where the motion of other places is taken from: in eight directions at 12 and 24 pixels.
constexpr std::int64_t farthest = 24;
constexpr std::array<std::int64_t, 2> straight = {12, farthest}, slanted = {8, 17};
constexpr std::int64_t window = 9;
// What an estimated pixel says of a hypothesis, beside a measured one.
constexpr double weight_of_estimate = 0.02;
// A hypothesis that explains the surroundings worse by this share of the best one's error weighs 1/e of it.
constexpr double tolerance = 0.6;
constexpr double least_error = 1e-5;  // squared core units; below, all explain equally well
// At a time, so that holes as large as the picture take little memory: each has all hypotheses' moved pictures.
constexpr std::int64_t pixels_at_a_time = 1 << 18;

// A rectangle of the picture, and how far motion and windows reach.
struct Part {
  std::int64_t top, left, height, width, reach;

  at::Tensor of(const at::Tensor& x) const { return x.narrow(2, top, height).narrow(3, left, width); }
};

// All that the hypotheses of large holes read: around the holes, as far as windows, places and motion reach.
std::optional<Part> part_around(const at::Tensor& hole, const at::Tensor& flow) {
  const auto height = hole.size(2), width = hole.size(3);
  // One copy from the device.
  const auto facts =
      at::cat({hole.amax({0, 1, 3}), hole.amax({0, 1, 2}), flow.abs().amax().view(1)}).to(at::kCPU, at::kFloat);
  const float* rows = facts.const_data_ptr<float>();
  const float* columns = rows + height;
  const double fastest = columns[width];
  const auto longest = static_cast<double>(std::max(height, width));
  const auto reach =
      window + static_cast<std::int64_t>(std::isfinite(fastest) ? std::min(std::ceil(fastest), longest) : longest);
  const auto margin = reach + farthest;
  const auto span = [&](const float* line, std::int64_t size) {
    std::int64_t first = 0, end = size;
    while (first < size && line[first] == 0) ++first;
    while (end > first && line[end - 1] == 0) --end;
    if (first == size) return std::array<std::int64_t, 2>{0, 0};
    first = std::max<std::int64_t>(0, first - margin);
    return std::array<std::int64_t, 2>{first, std::min(size, end + margin) - first};
  };
  const auto [top, part_height] = span(rows, height);
  const auto [left, part_width] = span(columns, width);
  if (part_height == 0) return std::nullopt;
  return Part{top, left, part_height, part_width, reach};
}

// Of `rows` rows from `top` on. found: [1,2,h,w], around: its smooth continuation, `farthest` pixels larger on all sides.
std::vector<at::Tensor> hypotheses_of(const at::Tensor& found, const at::Tensor& around, std::int64_t top,
                                      std::int64_t rows) {
  const auto from = [&](std::int64_t x, std::int64_t y) {
    return around.narrow(2, top + farthest + y, rows).narrow(3, farthest + x, found.size(3)).contiguous();
  };
  std::vector<at::Tensor> all = {from(0, 0), found.narrow(2, top, rows).contiguous()};
  for (std::size_t i = 0; i < straight.size(); ++i)
    for (const int y : {-1, 0, 1})
      for (const int x : {-1, 0, 1}) {
        const auto length = x != 0 && y != 0 ? slanted[i] : straight[i];
        if (x != 0 || y != 0) all.push_back(from(x * length, y * length));
      }
  return all;
}

// Means over the hypotheses, each as likely as it explains `single` nearby; doubt: between them.
MovedBehind mean_of(const std::vector<at::Tensor>& hypotheses, const at::Tensor& z, const at::Tensor& single,
                    const at::Tensor& known) {
  const auto weight = known * (1 - weight_of_estimate) + weight_of_estimate;
  const auto weights = window_mean(weight, window);
  std::vector<at::Tensor> moved, errors;
  for (const auto& flow : hypotheses) {
    moved.push_back(warp(z, flow, WarpFilter::bicubic));
    errors.push_back(window_mean((single - moved.back()).square_().mean(1, true).mul_(weight), window) / weights);
  }
  const auto error = at::cat(errors, 1);
  const auto least = error.amin({1}, true);
  const auto likely = at::softmax((least - error) / (least * tolerance + least_error), 1);
  // Differences to the first are averaged: where all agree nothing is rounded, so that what stands still is copied.
  MovedBehind mean{hypotheses[0].clone(), moved[0].clone(), at::zeros_like(weight)};
  for (std::size_t i = 1; i < hypotheses.size(); ++i) {
    const auto share = likely.narrow(1, static_cast<std::int64_t>(i), 1);
    mean.flow.addcmul_(hypotheses[i] - hypotheses[0], share);
    mean.moved.addcmul_(moved[i] - moved[0], share);
  }
  for (std::size_t i = 0; i < hypotheses.size(); ++i) {
    const auto share = likely.narrow(1, static_cast<std::int64_t>(i), 1);
    mean.doubt.addcmul_((moved[i] - mean.moved).square_().mean(1, true), share);
  }
  return mean;
}

// All of a part, some rows after the others.
MovedBehind mean_of(const Part& part, const at::Tensor& z, const at::Tensor& single, const at::Tensor& flow,
                    const at::Tensor& known, const at::Tensor& holes) {
  const auto found = part.of(flow).contiguous();
  const auto around =
      at::replication_pad2d(fill_coarsely(found, 1 - part.of(holes)), {farthest, farthest, farthest, farthest});
  std::vector<at::Tensor> flows, moved, doubts;
  const auto step = std::max(2 * part.reach, pixels_at_a_time / part.width);
  for (std::int64_t first = 0; first < part.height; first += step) {
    const auto last = std::min(part.height, first + step);
    const auto top = std::max<std::int64_t>(0, first - part.reach),
               rows = std::min(part.height, last + part.reach) - top;
    const auto cut = [&](const at::Tensor& x) { return part.of(x).narrow(2, top, rows).contiguous(); };
    const auto mean = mean_of(hypotheses_of(found, around, top, rows), cut(z), cut(single), cut(known));
    const auto keep = [&](const at::Tensor& x) { return x.narrow(2, first - top, last - first); };
    flows.push_back(keep(mean.flow));
    moved.push_back(keep(mean.moved));
    doubts.push_back(keep(mean.doubt));
  }
  return {at::cat(flows, 2), at::cat(moved, 2), at::cat(doubts, 2)};
}

}  // namespace

at::Tensor large_holes(const at::Tensor& known) {
  const auto hole = (window_mean(known, 7) < 0.2).to(known.dtype());
  return at::max_pool2d(hole, {11, 11}, {1, 1}, {5, 5});
}

at::Tensor filled_from_past(const at::Tensor& z, const at::Tensor& single, const at::Tensor& flow,
                            const at::Tensor& known, const at::Tensor& holes) {
  const auto smooth = fill_coarsely(flow, 1 - holes);
  return at::where(known > 0, single, warp(z, smooth, WarpFilter::bicubic));
}

MovedBehind move_behind_holes(const at::Tensor& z, const at::Tensor& single, const at::Tensor& flow,
                              const at::Tensor& known, const at::Tensor& holes) {
  const auto part = part_around(holes, flow);
  if (!part) return {flow, warp(z, flow, WarpFilter::bicubic), {}};
  const auto hole = part->of(holes);
  const auto mean = mean_of(*part, z, single, flow, known, holes);
  MovedBehind whole{flow.clone(), at::Tensor(), at::zeros_like(known)};
  const auto put = [&](const at::Tensor& picture, const at::Tensor& value) {
    const auto there = part->of(picture);
    there.copy_(at::where(hole > 0, value, there));
  };
  put(whole.flow, mean.flow);
  whole.moved = warp(z, whole.flow, WarpFilter::bicubic);
  put(whole.moved, mean.moved);
  put(whole.doubt, mean.doubt);
  return whole;
}

}  // namespace reddiff
