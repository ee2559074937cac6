// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where the time of a whole frame goes: Engine::process() from code values to code values, by the stages it reports.
#pragma once

#include "tests/bench/measure.h"

namespace reddiff::bench {

void measure_frames(const Options& options, Checks& checks);

}  // namespace reddiff::bench
