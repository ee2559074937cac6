// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a value becomes a byte (int8_conv.h).
#pragma once

#include <cstdint>

namespace reddiff {

// value: in steps above the least, and half a step. NaN becomes 0.
inline std::uint8_t to_byte(float value) {
  const float positive = value > 0 ? value : 0;
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(positive < 255.5F ? positive : 255.5F));
}

}  // namespace reddiff
