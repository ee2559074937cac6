// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One value of an activation under FiLM (Note [FiLM table] in film.h). The CPU's loop in film.cpp and the kernel of film.cu both
// run this function.
#pragma once

#include "core/api/host_device.h"

namespace reddiff {

// relu(value * gain + bias), `fraction` of the way from one row of the table to the next.
REDDIFF_HOST_DEVICE inline float film_value(float value, float gain, float next_gain, float bias, float next_bias,
                                            float fraction) {
  const float g = gain + fraction * (next_gain - gain);
  const float b = bias + fraction * (next_bias - bias);
  const float v = value * g + b;
  return v < 0 ? 0 : v;  // NaN stays NaN: the engine reports it
}

}  // namespace reddiff
