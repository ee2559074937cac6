// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Runs a step (noise_steps.h, temporal/filter_steps.h) at every place of the picture it writes: in loops on the CPU, as a kernel on a GPU.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#ifdef REDDIFF_CUDA
#include "core/frame/cuda_stream.h"
#endif

namespace reddiff {

// The kernel of a step, seen without a header of CUDA's: defined in each_place.cuh, and a line of a .cu file for each step. stream: a
// cudaStream_t of the current device, into whose memory the step points; the call returns before the work is done. Throws Error{failed}
// when the kernel cannot be started.
template <typename Step> void run_on_cuda(const Step& step, void* stream);

// A size as steps have it.
inline std::int32_t step_size(std::int64_t size) { return static_cast<std::int32_t>(size); }

// One step after the other, on the device of the tensors they point into. On a GPU that is the current device as long as this lives.
class StepRunner {
 public:
  explicit StepRunner(at::Device device)
      : device_(device), current_(device.is_cpu() ? std::nullopt : std::optional(device)) {
#ifdef REDDIFF_CUDA
    if (device.is_cuda()) stream_ = current_cuda_stream(device);
#endif
  }

  // Whether steps are kernels there: a GPU, in builds with them. Operators of LibTorch do the same elsewhere.
  static bool has_kernels(at::Device device) { return with_kernels && device.is_cuda(); }

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
#ifdef REDDIFF_CUDA
  static constexpr bool with_kernels = true;
#else
  static constexpr bool with_kernels = false;
#endif
  static constexpr std::int64_t places_per_task = 512;
  at::Device device_;
  c10::OptionalDeviceGuard current_;
  [[maybe_unused]] void* stream_ = nullptr;
};

}  // namespace reddiff
