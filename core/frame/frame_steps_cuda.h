// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The CUDA kernels of steps on frames, seen from C++ without a header of CUDA's. Present in builds with REDDIFF_CUDA.
#pragma once

#include "core/frame/clipping_steps.h"
#include "core/frame/convert_steps.h"
#include "core/frame/impulse_steps.h"
#include "core/frame/noise_steps.h"
#include "core/frame/window_steps.h"

namespace reddiff {

// stream: a cudaStream_t of the current device, into whose memory the step points; the call returns before the work is done. Throws
// Error{failed} when the kernel cannot be started.
void run_on_cuda(const WindowMeanStep& step, void* stream);
void run_on_cuda(const CellStep& step, void* stream);
void run_on_cuda(const FlatnessStep& step, void* stream);
void run_on_cuda(const ClippingStep& step, void* stream);
void run_on_cuda(const ValueKindStep& step, void* stream);
void run_on_cuda(const PatchStep& step, void* stream);
void run_on_cuda(const ReadYcbcrStep& step, void* stream);
void run_on_cuda(const WriteYcbcrStep& step, void* stream);

}  // namespace reddiff
