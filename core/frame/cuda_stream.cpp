// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/cuda_stream.h"

#include <c10/cuda/CUDAStream.h>

namespace reddiff {

void* current_cuda_stream(c10::Device device) { return c10::cuda::getCurrentCUDAStream(device.index()).stream(); }

}  // namespace reddiff
