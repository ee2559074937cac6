// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/clipping_steps.h"
#include "core/frame/convert_steps.h"
#include "core/frame/each_place.cuh"
#include "core/frame/impulse_steps.h"
#include "core/frame/noise_steps.h"
#include "core/frame/window_steps.h"

namespace reddiff {

template void run_on_cuda(const WindowMeanStep& step, void* stream);
template void run_on_cuda(const CellStep& step, void* stream);
template void run_on_cuda(const FlatnessStep& step, void* stream);
template void run_on_cuda(const ClippingStep& step, void* stream);
template void run_on_cuda(const ValueKindStep& step, void* stream);
template void run_on_cuda(const PatchStep& step, void* stream);
template void run_on_cuda(const ReadYcbcrStep& step, void* stream);
template void run_on_cuda(const WriteYcbcrStep& step, void* stream);

}  // namespace reddiff
