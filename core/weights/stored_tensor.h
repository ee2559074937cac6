// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What every format of weights comes down to: a name, a type, a shape and the place of its values in the file. Whoever makes one has
// checked that the place lies inside the file and fits the shape.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace reddiff {

using NamedTensors = std::map<std::string, at::Tensor>;

struct StoredTensor {
  std::string name;
  at::ScalarType dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> stride;  // in values; empty: row by row
  std::span<const std::byte> bytes;  // from its first value on
};

// Names come from the file: shortened, in quotes, and without anything that could disturb a terminal.
std::string shown(const std::string& name);

// On the CPU, float32. With an `owner` of the bytes what is float32 and aligned is a view of them that keeps them; everything else
// has memory of its own. Calls `refuse(sentence)`, which must not return, for values that are not finite.
at::Tensor make_tensor(const StoredTensor& stored, const std::shared_ptr<const void>& owner,
                       const std::function<void(const std::string&)>& refuse);

}  // namespace reddiff
