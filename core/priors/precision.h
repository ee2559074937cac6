// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The number format that a network computes in.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "core/api/names.h"

namespace reddiff {

// What a choice of precision hangs on.
struct PrecisionFacts {
  bool cuda = false;
  bool cuda_bfloat16 = false;
  bool int8_instructions = false;  // a CPU's, see has_int8_convolution(); not asked of one whose network has no ranges
  bool int8_ranges = false;        // the network's, see int8_block.h
};

PrecisionFacts precision_facts(at::Device device, bool int8_ranges);

// The rule of `automatic`, a fixed one, so that bytes repeat; any other stays as it is. Of a CPU int8 where both are there and time
// counts, float32 otherwise: bfloat16 is slower than float32 without AMX instructions. Of CUDA bfloat16 where the hardware has it, else
// float16. Throws Error{settings} for int8 where it cannot be, in a sentence that says why.
Precision chosen_precision(Precision asked, const PrecisionFacts& facts, bool time_counts);

// What a chosen precision stores activations in. int8: float32, as all but what the convolutions read stays that.
at::ScalarType dtype_of(Precision chosen);

}  // namespace reddiff
