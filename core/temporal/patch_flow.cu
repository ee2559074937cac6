// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/each_place.cuh"
#include "core/temporal/patch_flow_cuda.h"

namespace reddiff {

void run_on_cuda(const GreyStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const HalfStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const SlopeStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const SearchStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const NeighbourStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const PixelStep& step, void* stream) { launch(step, stream); }

}  // namespace reddiff
