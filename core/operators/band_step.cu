// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/each_place.cuh"
#include "core/operators/band_step.h"

namespace reddiff {

template void run_on_cuda(const BandStep& step, void* stream);

}  // namespace reddiff
