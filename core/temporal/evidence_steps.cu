// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/each_place.cuh"
#include "core/temporal/evidence_steps.h"

namespace reddiff {

template void run_on_cuda(const RowMomentsStep& step, void* stream);
template void run_on_cuda(const DriftStep& step, void* stream);
template void run_on_cuda(const AddCoarseStep& step, void* stream);
template void run_on_cuda(const SquaresStep& step, void* stream);
template void run_on_cuda(const MotionVarianceStep& step, void* stream);

}  // namespace reddiff
