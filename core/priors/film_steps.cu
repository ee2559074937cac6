// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/frame/each_place.cuh"
#include "core/priors/film_steps.h"

namespace reddiff {

template void run_on_cuda(const FilmMapStep& step, void* stream);

}  // namespace reddiff
