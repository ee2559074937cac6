// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "core/priors/film_steps.h"

namespace reddiff {

// As those of core/frame/frame_steps_cuda.h.
void run_on_cuda(const FilmMapStep& step, void* stream);

}  // namespace reddiff
