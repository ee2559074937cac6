// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is measured: the prior as elements load it and engines as elements make them, at a preset's settings; on the CPU
// unless asked otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/engine.h"
#include "tests/bench/measure.h"
#include "tests/bench/scene.h"

namespace reddiff::bench {

DenoiserPtr load_prior(const std::string& name, at::Device device = at::kCPU,
                       Precision precision = Precision::automatic);

// The same network without what records its calls (core/priors/graphed.h).
DenoiserPtr load_plain_network(const std::string& name, at::Device device, Precision precision);

std::unique_ptr<Engine> make_engine(const Config& config, const FilterConstants& filter = {});

// A task as a user would set it, and the video it is meant for.
struct TaskCase {
  Task task;
  const char* operator_text;  // what the task has to be told; "" if nothing
  const char* degradation;    // operator that the clean video has been through
  double noise;               // and the noise added to it, 8-bit units
  bool masked;                // half of the pixels are missing
};

const std::vector<TaskCase>& task_cases();

Config config_of(const TaskCase& task, Temporal temporal, const std::string& prior, Preset preset);

// Degraded frames; `clean` gives the pictures by index, [1,3,H,W] in [-1,1], and `restored` is their size.
std::vector<OwnedFrame> degraded_video(const TaskCase& task, Layout layout, const Size& restored, int frames,
                                       const std::function<at::Tensor(int)>& clean);

// The same of the moving scene.
std::vector<OwnedFrame> degraded_video(const TaskCase& task, Layout layout, const Size& restored, int frames);

}  // namespace reddiff::bench
