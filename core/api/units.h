// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Users speak of noise in 8-bit code values, core in the unit of its pictures: [-1,1] is the whole range. The two are changed into each
// other where something enters or leaves, and nowhere else.
#pragma once

#include <algorithm>
#include <cmath>

namespace reddiff {

constexpr double level_to_core(double code_values) { return code_values * 2.0 / 255.0; }
constexpr double level_to_user(double level) { return level * 255.0 / 2.0; }

// sigma_y in core units; below a code value it is rounding.
constexpr bool is_noisy(double sigma_y) { return sigma_y > level_to_core(1); }

// What rounding to whole code values of so many bits leaves at least: sigma_y is never 0. Core units.
inline double quantisation_floor(int bit_depth) { return 2.0 / (std::ldexp(1.0, bit_depth) - 1) / std::sqrt(12.0); }

}  // namespace reddiff
