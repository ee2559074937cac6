// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The pieces that the stages beside the prior are made of, each alone: which one to look at when a stage is too slow.
#pragma once

#include "tests/bench/measure.h"

namespace reddiff::bench {

void measure_parts(const Options& options, Checks& checks);

}  // namespace reddiff::bench
