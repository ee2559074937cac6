// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What noise_passes.h looks at, by the steps of noise_steps.h: for planes in a GPU's memory. They run in host memory, too.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/frame/noise_passes.h"

namespace reddiff {

// As cells_on_host(). planes, before: [1,C,H,W], float32.
Cells cells_by_step(const at::Tensor& planes, const at::Tensor& before = {});

// As flatness_on_host(); `not_counted` where counts, [1,1,H-2,W-2] of bool or undefined, says so.
at::Tensor flatness_by_step(const at::Tensor& planes, const at::Tensor& counts, std::uint8_t not_counted);

}  // namespace reddiff
