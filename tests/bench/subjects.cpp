// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/bench/subjects.h"

#include <ATen/ATen.h>

#include <cstdlib>

#include "core/degrade.h"
#include "core/frame/convert.h"
#include "core/priors/conv_unet.h"
#include "core/registry.h"
#include "core/solvers/rng.h"
#include "core/weights/model_card.h"

namespace reddiff::bench {
namespace {

std::string model_dirs() {
  const char* dirs = std::getenv("REDDIFF_MODEL_PATH");
  if (!dirs || !*dirs)
    throw Error(ErrorCode::not_found, "set REDDIFF_MODEL_PATH to the folder of the models, for example to models/");
  return dirs;
}

}  // namespace

DenoiserPtr load_prior(const std::string& name, at::Device device, Precision precision) {
  return make_prior({name, model_dirs(), device, precision});
}

DenoiserPtr load_plain_network(const std::string& name, at::Device device, Precision precision) {
  const Model model = load_model(model_dirs() + "/" + name + ".safetensors");
  return make_conv_unet(model.tensors, model.card, device, precision);
}

std::unique_ptr<Engine> make_engine(const Config& config, const FilterConstants& filter) {
  return std::make_unique<Engine>(config, false, model_dirs(), filter);
}

const std::vector<TaskCase>& task_cases() {
  static const std::vector<TaskCase> all = {
      {Task::denoise, "", "identity", 25, false},
      {Task::super_resolution, "", "bicubic:factor=2", 0, false},
      {Task::inpaint, "", "identity", 0, true},
      {Task::deblur, "gaussian-blur:sigma=1.6", "gaussian-blur:sigma=1.6", 2, false},
  };
  return all;
}

Config config_of(const TaskCase& task, Temporal temporal, const std::string& prior, Preset preset) {
  Config config;
  config.preset = preset;
  config.task = task.task;
  config.operator_text = task.operator_text;
  config.temporal = temporal;
  config.prior = prior;
  config.device = "cpu";
  if (task.task == Task::deblur) config.noise = task.noise;
  if (task.masked) config.mask_source = MaskSource::alpha;
  return config;
}

std::vector<OwnedFrame> degraded_video(const TaskCase& task, Layout layout, const Size& restored, int frames,
                                       const std::function<at::Tensor(int)>& clean) {
  const c10::InferenceMode no_gradients;
  DegradeEngine degrader({task.degradation, task.noise, 3, "cpu"});
  const int factor = parse_operator(task.degradation).factor();
  std::vector<OwnedFrame> video;
  for (int i = 0; i < frames; ++i) {
    OwnedFrame frame(layout, restored);
    write_picture(clean(i), {}, frame.view);
    video.emplace_back(layout, Size{restored.width / factor, restored.height / factor});
    const FrameView& degraded = video.back().view;
    degrader.process(frame.view, degraded, static_cast<std::uint64_t>(i));
    if (!task.masked) continue;
    const std::int64_t size[] = {1, 1, degraded.height, degraded.width};
    const auto known = (normal_field(11, static_cast<std::uint64_t>(i), size, at::kCPU) > 0).to(at::kFloat);
    write_picture(read_picture(degraded, at::kCPU), known, degraded);
  }
  return video;
}

std::vector<OwnedFrame> degraded_video(const TaskCase& task, Layout layout, const Size& restored, int frames) {
  const MovingScene scene(restored, frames);
  return degraded_video(task, layout, restored, frames, [&](int i) { return scene.frame(i); });
}

}  // namespace reddiff::bench
