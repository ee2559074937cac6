// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The filter's CUDA kernels, seen from C++ without a header of CUDA's. Present in builds with REDDIFF_CUDA.
#pragma once

#include "core/temporal/filter_steps.h"

namespace reddiff {

// As those of patch_flow_cuda.h.
void run_on_cuda(const KnownMotionStep& step, void* stream);
void run_on_cuda(const SteadyStep& step, void* stream);
void run_on_cuda(const RepeatedStep& step, void* stream);
void run_on_cuda(const FuseStep& step, void* stream);

}  // namespace reddiff
