// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs a step (noise_steps.h, temporal/filter_steps.h) at every place of the picture it writes: in loops on the CPU, as a kernel on a GPU.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#ifdef REDDIFF_CUDA
#include "core/frame/cuda_stream.h"
#endif

namespace reddiff {

// One step after the other, on the device of the tensors they point into; on a GPU the step's run_on_cuda() is used, and the device is
// the current one.
class StepRunner {
 public:
  explicit StepRunner(at::Device device) : device_(device) {
#ifdef REDDIFF_CUDA
    if (device.is_cuda()) stream_ = current_cuda_stream(device);
#endif
  }

  template <typename Step> void operator()(const Step& step) const {
#ifdef REDDIFF_CUDA
    if (device_.is_cuda()) return run_on_cuda(step, stream_);
#endif
    const std::int64_t rows_per_task = std::max<std::int64_t>(1, places_per_task / std::max(1, step.width));
    at::parallel_for(0, step.height, rows_per_task, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t y = begin; y < end; ++y)
        for (std::int32_t x = 0; x < step.width; ++x) step(x, static_cast<std::int32_t>(y));
    });
  }

 private:
  static constexpr std::int64_t places_per_task = 512;
  at::Device device_;
  [[maybe_unused]] void* stream_ = nullptr;
};

}  // namespace reddiff
