// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which noise levels RED-Diff visits, in which order, and how much each weighs (section 4 of arXiv 2305.04391). Levels are
// those of the linear-beta diffusion with 1000 steps, s_t = sqrt(1 - abar_t) / sqrt(abar_t), from 0.01 (t = 0) to 157 (t = 999),
// which is also the noise level of a picture in [-1,1]. Pure functions of their arguments.
#pragma once

#include <cstdint>
#include <vector>

#include "core/api/solver_options.h"

namespace reddiff {

inline constexpr int diffusion_steps = 1000;

// s_t, log-linear between whole t; t is clamped to [0, 999]. `diffusion_time` is its inverse.
double diffusion_level(double t);
double diffusion_time(double level);

// The levels of one solve, in the order that the pass asks for.
//  - start_level 0: the paper's list, t = 0, skip, 2 skip, ... with skip = 1000 / steps rounded down (so 75 steps become 77),
//    or t = 999 (k / (steps - 1))^2 with quadratic spacing; levels outside [sigma_min, sigma_max] are left out (if none is
//    inside, the nearer bound takes their place), so the count may be smaller than `steps`.
//  - else: exactly `steps` levels from start_level to end_level, evenly (or quadratically) spaced in t, both ends exact and
//    clamped to [sigma_min, sigma_max]. One step visits start_level.
// Order::random shuffles by `seed`.
std::vector<double> make_levels(const Pass& pass, double sigma_min, double sigma_max, std::uint64_t seed);

// g(s), the weight of the regulariser at level s. Equation (9) of the paper uses `linear`, the inverse SNR.
double level_weight(Weighting weighting, double level);

}  // namespace reddiff
