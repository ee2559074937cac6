// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/operators/band_step.h"

namespace reddiff {

// As those of core/frame/frame_steps_cuda.h.
void run_on_cuda(const BandStep& step, void* stream);

}  // namespace reddiff
