// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The queue that LibTorch's work on a GPU goes to, for kernels of our own. A file apart, because it alone needs CUDA's headers.
#pragma once

#include <c10/core/Device.h>

namespace reddiff {

// A cudaStream_t; `device` is a CUDA device.
void* current_cuda_stream(c10::Device device);

// What LibTorch is given to do from now on starts when what was queued on `stream`, a cudaStream_t, has ended. The host does not wait.
void wait_for_cuda_stream(void* stream, c10::Device device);

}  // namespace reddiff
