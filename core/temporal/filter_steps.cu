// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/each_place.cuh"
#include "core/temporal/filter_steps.h"

namespace reddiff {

template void run_on_cuda(const KnownMotionStep& step, void* stream);
template void run_on_cuda(const SteadyStep& step, void* stream);
template void run_on_cuda(const RepeatedStep& step, void* stream);
template void run_on_cuda(const FuseStep& step, void* stream);

}  // namespace reddiff
