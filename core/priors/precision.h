// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The number format that a network computes in.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "core/api/names.h"

namespace reddiff {

// `automatic`: float32 on the CPU; on CUDA bfloat16 where the hardware has it, else float16.
at::ScalarType dtype_for(Precision precision, at::Device device);

}  // namespace reddiff
