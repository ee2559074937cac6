// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What can be seen only once in a process: start-up, and the peak of memory. Each case runs in a process of its own, this
// program started again with `--child`.
#pragma once

#include "tests/bench/measure.h"

namespace reddiff::bench {

void measure_start(const Options& options, Checks& checks);
void measure_memory(const Options& options, Checks& checks);

// The other side. arguments: what followed `--child`. Prints its figures on one line.
void run_child(const std::vector<std::string>& arguments);

}  // namespace reddiff::bench
