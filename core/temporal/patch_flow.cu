// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/each_place.cuh"
#include "core/temporal/patch_steps.h"

namespace reddiff {

template void run_on_cuda(const GreyStep& step, void* stream);
template void run_on_cuda(const HalfStep& step, void* stream);
template void run_on_cuda(const SlopeStep& step, void* stream);
template void run_on_cuda(const SearchStep& step, void* stream);
template void run_on_cuda(const NeighbourStep& step, void* stream);
template void run_on_cuda(const PixelStep& step, void* stream);

}  // namespace reddiff
