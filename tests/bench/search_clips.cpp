// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/search_clips.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "core/frame/convert.h"

namespace reddiff::bench {
namespace {

// In [-1,1], so that the peak is 2. known: [1,1,h,w], of the measurement; undefined for none.
double psnr(const at::Tensor& picture, const at::Tensor& clean, const at::Tensor& known) {
  const auto error = (picture - clean).square_().mean(1, true);
  const auto counted = known.defined()
                           ? at::upsample_nearest2d((known < 0.5).to(at::kFloat), {error.size(2), error.size(3)})
                           : at::ones_like(error);
  return 10 * std::log10(4 * counted.sum().item<double>() / (error * counted).sum().item<double>());
}

}  // namespace

Clip read_clip(const std::string& text, int most) {
  const auto colon = text.find(':'), second = text.find(':', colon + 1);
  Clip clip{text.substr(0, colon), {}, {}};
  if (second == std::string::npos ||
      std::sscanf(text.c_str() + colon + 1, "%dx%d:", &clip.size.width, &clip.size.height) != 2 ||
      std::min(clip.size.width, clip.size.height) < 16)
    throw Error(ErrorCode::settings, "'" + text + "' is no clip; write NAME:WIDTHxHEIGHT:FILE, at least 16x16");
  std::ifstream file(text.substr(second + 1), std::ios::binary);
  if (!file) throw Error(ErrorCode::not_found, "cannot read " + text.substr(second + 1));
  OwnedFrame frame(Layout::rgb, clip.size);
  const auto bytes = frame.view.component[0].row_stride * clip.size.height;
  while (clip.count() < most && file.read(reinterpret_cast<char*>(frame.view.component[0].data), bytes))
    clip.frames.push_back(read_picture(frame.view, at::kCPU));
  return clip;
}

Clip made_up_clip(const Size& size, int frames) {
  Clip clip{"scene", size, {}};
  const MovingScene scene(size, frames);
  for (int i = 0; i < frames; ++i) clip.frames.push_back(scene.frame(i));
  return clip;
}

const std::vector<SearchTask>& search_tasks() {
  static const std::vector<SearchTask> all = {
      {"denoise", {Task::denoise, "", "identity", 25, false}, 2},
      {"denoise50", {Task::denoise, "", "identity", 50, false}, 2},
      {"x2", {Task::super_resolution, "bicubic:factor=2", "bicubic:factor=2", 0, false}, 3},
      {"x4", {Task::super_resolution, "bicubic:factor=4", "bicubic:factor=4", 0, false}, 3},
      {"deblur", {Task::deblur, "gaussian-blur:sigma=1.6", "gaussian-blur:sigma=1.6", 2, false}, 3},
      {"mask", {Task::inpaint, "", "identity", 0, true}, 3},
      {"x2mask", {Task::super_resolution, "bicubic:factor=2", "bicubic:factor=2", 0, true}, 3},
  };
  return all;
}

std::vector<OwnedFrame> degrade(const SearchTask& task, const Clip& clip) {
  return degraded_video(task.task, task.task.masked ? Layout::rgba : Layout::rgb, clip.size, clip.count(),
                        [&](int i) { return clip.frames[static_cast<std::size_t>(i)]; });
}

double restored_psnr(const SearchTask& task, const Clip& clip, const std::vector<OwnedFrame>& degraded, int first,
                     Temporal temporal, const FilterConstants& constants) {
  const c10::InferenceMode no_gradients;
  Config config = config_of(task.task, temporal, "default", Preset::quality);
  config.steps = task.steps;
  FrameOptions options;
  options.noise = task.task.noise;
  const auto engine = make_engine(config, constants);
  OwnedFrame out(Layout::rgb, clip.size);
  double sum = 0;
  for (int i = 0; i < clip.count(); ++i) {
    const FrameView& in = degraded[static_cast<std::size_t>(i)].view;
    engine->process(in, out.view, options);
    if (i < first) continue;
    const auto known = read_alpha(in, at::kCPU);
    sum += psnr(read_picture(out.view, at::kCPU), clip.frames[static_cast<std::size_t>(i)], known);
  }
  return sum / (clip.count() - first);
}

}  // namespace reddiff::bench
