// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The warp's CUDA kernel, seen from C++ without a header of CUDA's. Present in builds with REDDIFF_CUDA.
#pragma once

#include <cstdint>

#include "core/temporal/warp_pixel.h"

namespace reddiff {

// Pointers into the memory of the current device, as warp_pixel.h says, for `images` pictures one behind the other; none of
// them overlap. taps: 2 bilinear, 4 cubic. stream: a cudaStream_t of that device; the call returns before the work is done.
// Throws Error{failed} when the kernel cannot be started.
void warp_on_cuda(const WarpPlanes<float>& first, std::int64_t images, int taps, void* stream);
void warp_on_cuda(const WarpPlanes<double>& first, std::int64_t images, int taps, void* stream);

}  // namespace reddiff
