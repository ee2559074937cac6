// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/temporal/evidence_steps.h"

namespace reddiff {

// As those of core/frame/frame_steps_cuda.h.
void run_on_cuda(const RowMomentsStep& step, void* stream);
void run_on_cuda(const DriftStep& step, void* stream);
void run_on_cuda(const AddCoarseStep& step, void* stream);
void run_on_cuda(const SquaresStep& step, void* stream);
void run_on_cuda(const MotionVarianceStep& step, void* stream);

}  // namespace reddiff
