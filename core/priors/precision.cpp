// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/precision.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>

namespace reddiff {

at::ScalarType dtype_for(Precision precision, at::Device device) {
  switch (precision) {
    case Precision::float32:
      return at::kFloat;
    case Precision::bfloat16:
      return at::kBFloat16;
    case Precision::float16:
      return at::kHalf;
    case Precision::automatic:
      break;
  }
  if (!device.is_cuda()) return at::kFloat;
  const c10::DeviceGuard guard(device);
  return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8() ? at::kBFloat16 : at::kHalf;
}

}  // namespace reddiff
