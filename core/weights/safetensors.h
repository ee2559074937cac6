// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reader of .safetensors files: an 8-byte little-endian header length, a JSON header that gives every tensor's dtype,
// shape and byte range, then the bytes. A file is hostile until proven otherwise: every number is checked against the
// real size before memory is taken for it. Knows no network.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "core/weights/stored_tensor.h"

namespace reddiff {

// Tensors on the CPU, float32 whatever the file's dtype (F32, F16, BF16), each with memory of its own, or views of `owner`'s where
// they can be. `file` is the
// name that error sentences use. Throws Error{wrong_model}: damaged or cut off, another dtype, ranges that overlap or
// leave gaps, a name that stands twice, an empty tensor, a value that is not finite.
NamedTensors parse_safetensors(std::span<const std::byte> bytes, std::string_view file,
                               const std::shared_ptr<const void>& owner = nullptr);

}  // namespace reddiff
