// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The prior alone, against the convolution peak of the same minutes: rounds go peak, uniform, per pixel, peak, ... over all
// sizes, so that a machine that slows down slows all of them down.
#pragma once

#include "tests/bench/measure.h"

namespace reddiff::bench {

void measure_prior(const Options& options, Checks& checks);

}  // namespace reddiff::bench
