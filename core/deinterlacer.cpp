// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/deinterlacer.h"

#include <ATen/ATen.h>

#include <cmath>

#include "core/api/units.h"
#include "core/frame/convert.h"
#include "core/frame/frame_device.h"
#include "core/frame/window.h"

namespace reddiff {
namespace {

// R, G, B together, luma alone, both chroma planes, alpha alone.
std::vector<at::Tensor> grouped(const FrameView& frame, const std::vector<at::Tensor>& planes) {
  std::vector<at::Tensor> groups;
  if (frame.model == ColorModel::rgb) {
    groups.push_back(at::cat({planes[0], planes[1], planes[2]}, 1));
  } else {
    groups.push_back(planes[0]);
    if (frame.model == ColorModel::ycbcr) groups.push_back(at::cat({planes[1], planes[2]}, 1));
  }
  if (frame.has_alpha) groups.push_back(planes.back());
  return groups;
}

// The motion of a picture of this size, where a smaller one is asked for.
at::Tensor flow_for(const at::Tensor& flow, std::int64_t height, std::int64_t width) {
  if (!flow.defined() || (flow.size(2) == height && flow.size(3) == width)) return flow;
  auto small = at::adaptive_avg_pool2d(flow, {height, width});
  small.select(1, 0).mul_(static_cast<double>(width) / static_cast<double>(flow.size(3)));
  small.select(1, 1).mul_(static_cast<double>(height) / static_cast<double>(flow.size(2)));
  return small;
}

at::Tensor in_rgb(const at::Tensor& picture) { return picture.size(1) == 3 ? picture : picture.repeat({1, 3, 1, 1}); }

}  // namespace

FrameLike::FrameLike(const FrameView& model) : view_(model) {
  view_.stream = nullptr;
  for (Component& c : view_.component) {
    if (!c.data) continue;
    memory_.push_back(at::empty({std::int64_t{c.width} * c.height * c.word_bytes},
                                at::TensorOptions().dtype(at::kByte).device(device_of(model))));
    c.data = memory_.back().data_ptr();
    c.pixel_stride = c.word_bytes;
    c.row_stride = static_cast<std::ptrdiff_t>(c.width) * c.word_bytes;
  }
}

void Deinterlacer::see(const FrameView& in, FrameLines lines, Trace& trace) {
  const std::int64_t first = lines == FrameLines::bottom_field ? 1 : 0;
  const auto pictures = trace.in(Trace::Stage::convert, [&] { return grouped(in, read_planes(in, device_)); });
  groups_.resize(pictures.size());
  at::Tensor flow;
  bool searched = false;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const auto &picture = pictures[i], &last = groups_[i].filter.last();
    if (picture.size(2) < 2) {  // no field has more than one line of it
      groups_[i].whole = {picture, at::zeros_like(picture.narrow(1, 0, 1))};
      continue;
    }
    const Field field = field_of(picture, first);
    trace.in(Trace::Stage::motion, [&] {
      if (!searched && last.defined() && !groups_[i].filter.repeats(field))
        flow = flow_.estimate(in_rgb(interpolated(field)), in_rgb(last));
      searched = true;
      groups_[i].whole = groups_[i].filter.update(field, flow_for(flow, picture.size(2), picture.size(3)));
    });
  }
}

std::vector<at::Tensor> Deinterlacer::planes() const {
  std::vector<at::Tensor> planes;
  for (const auto& group : groups_)
    for (const auto& plane : group.whole.picture.split(1, 1)) planes.push_back(plane);
  return planes;
}

void Deinterlacer::write(const FrameView& out) const { write_planes(planes(), out); }

bool Deinterlacer::write_cleaned(const FrameView& out, const Denoiser& prior, Trace& trace) const {
  write(out);
  // Every second line is certain, and what is not is as wrong as its surroundings. How much of that is noise to a denoiser was searched for
  // on development clips, and what it gains below half a code value is rounded away.
  constexpr double share = 0.6;
  const double least = level_to_core(0.5);
  const auto level = window_mean(groups_.front().whole.variance, 5).mul_(2).sqrt_().mul_(share);
  if (level.max().item<double>() < least) return false;
  const auto picture = read_picture(out, device_), alpha = read_alpha(out, device_);
  const auto asked = prior.per_pixel_sigma() ? level.clamp(prior.sigma_min(), prior.sigma_max())
                                             : level.square().mean().sqrt().view({1, 1, 1, 1});
  const auto cleaned = trace.in(Trace::Stage::prior, [&] { return prior.denoise(picture, asked); });
  trace.visited({level.max().item<double>()});
  write_picture(at::where(cleaned.isfinite(), cleaned, picture), alpha, out);
  // What was measured, and what follows from it for certain, to the code value again.
  auto now = read_planes(out, device_);
  const auto before = planes();
  std::size_t at = 0;
  for (const auto& group : groups_)
    for (std::int64_t i = 0; i < group.whole.picture.size(1); ++i, ++at)
      now[at] = at::where(group.whole.variance > 0, now[at], before[at]);
  write_planes(now, out);
  return true;
}

}  // namespace reddiff
