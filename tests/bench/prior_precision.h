// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The shipped priors at every precision that this machine has: time, and PSNR lost against float32 on the moving scene. Rounds go from
// precision to precision, so that a machine that slows down slows all of them down.
#pragma once

#include "tests/bench/measure.h"

namespace reddiff::bench {

void measure_precisions(const Options& options, Checks& checks);

}  // namespace reddiff::bench
