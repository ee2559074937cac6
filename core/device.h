// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From the user's word to a device.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace reddiff {

// "auto": the first CUDA device if LibTorch sees one, else the CPU. "cpu", "cuda" and "cuda:N": that one or Error{device}; never
// another one instead.
at::Device parse_device(const std::string& text);

}  // namespace reddiff
