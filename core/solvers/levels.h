// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One level of a schedule as it meets the picture.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/solvers/problem.h"

namespace reddiff {

struct Level {
  int step = 0;        // from 0
  double nominal = 0;  // s of the schedule
  at::Tensor sigma;    // [1,1,1,1], or [N,1,H,W] with a level per pixel in Start
};

// levels: all of the run, in order.
Level make_level(const std::vector<double>& levels, int step, const Start& start);

}  // namespace reddiff
