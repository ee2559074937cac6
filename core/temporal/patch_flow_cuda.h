// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The patch search's CUDA kernels, seen from C++ without a header of CUDA's. Present in builds with REDDIFF_CUDA.
#pragma once

#include "core/temporal/patch_steps.h"

namespace reddiff {

// Every place of the step's picture, in the memory of the current device. stream: a cudaStream_t of that device; the call
// returns before the work is done. Throws Error{failed} when the kernel cannot be started.
void run_on_cuda(const GreyStep& step, void* stream);
void run_on_cuda(const HalfStep& step, void* stream);
void run_on_cuda(const SlopeStep& step, void* stream);
void run_on_cuda(const SearchStep& step, void* stream);
void run_on_cuda(const NeighbourStep& step, void* stream);
void run_on_cuda(const PixelStep& step, void* stream);

}  // namespace reddiff
