// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The queue that LibTorch's work on a GPU goes to, for kernels of our own. A file apart, because it alone needs CUDA's headers.
#pragma once

#include <c10/core/Device.h>

namespace reddiff {

// A cudaStream_t; `device` is a CUDA device.
void* current_cuda_stream(c10::Device device);

}  // namespace reddiff
