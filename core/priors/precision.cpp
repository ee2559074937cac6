// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/precision.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DeviceGuard.h>

#include <string>

#include "core/api/error.h"
#include "core/priors/int8_conv.h"

namespace reddiff {
namespace {

[[noreturn]] void refuse(const char* why) {
  throw Error(ErrorCode::settings, std::string("precision=int8 ") + why + "; take precision=auto.");
}

}  // namespace

PrecisionFacts precision_facts(at::Device device, bool int8_ranges) {
  PrecisionFacts facts;
  facts.int8_ranges = int8_ranges;
  facts.cuda = device.is_cuda();
  if (facts.cuda) {
    const c10::DeviceGuard guard(device);
    facts.cuda_bfloat16 = at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
  } else {
    facts.int8_instructions =
        int8_ranges && has_int8_convolution();  // nothing is tried for networks that cannot use it
  }
  return facts;
}

Precision chosen_precision(Precision asked, const PrecisionFacts& facts, bool time_counts) {
  if (asked == Precision::int8) {
    if (facts.cuda) refuse("is for CPUs");
    if (!facts.int8_ranges)
      refuse("needs a prior whose file has the ranges of its activations (default, large or tiny)");
    if (!facts.int8_instructions) refuse("needs a CPU with VNNI instructions (avx512_vnni or avx_vnni)");
  }
  if (asked != Precision::automatic) return asked;
  if (facts.cuda) return facts.cuda_bfloat16 ? Precision::bfloat16 : Precision::float16;
  return facts.int8_instructions && facts.int8_ranges && time_counts ? Precision::int8 : Precision::float32;
}

at::ScalarType dtype_of(Precision chosen) {
  switch (chosen) {
    case Precision::bfloat16:
      return at::kBFloat16;
    case Precision::float16:
      return at::kHalf;
    default:
      return at::kFloat;
  }
}

}  // namespace reddiff
