// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/each_place.cuh"
#include "core/frame/frame_steps_cuda.h"

namespace reddiff {

void run_on_cuda(const WindowMeanStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const CellStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const FlatnessStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const ClippingStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const ValueKindStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const PatchStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const ReadYcbcrStep& step, void* stream) { launch(step, stream); }
void run_on_cuda(const WriteYcbcrStep& step, void* stream) { launch(step, stream); }

}  // namespace reddiff
