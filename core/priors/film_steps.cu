// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/each_place.cuh"
#include "core/priors/film_steps_cuda.h"

namespace reddiff {

void run_on_cuda(const FilmMapStep& step, void* stream) { launch(step, stream); }

}  // namespace reddiff
