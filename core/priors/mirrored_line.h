// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "core/api/host_device.h"

namespace reddiff {

// Which of `length` lines is seen at `at`, 0 or more: beyond the last one their mirror image, then they again, and so on (mirrored() of
// pixel_shuffle.h).
REDDIFF_HOST_DEVICE inline std::int32_t mirrored_line(std::int32_t at, std::int32_t length) {
  const std::int32_t around = at % (2 * length);
  return around < length ? around : 2 * length - 1 - around;
}

}  // namespace reddiff
