// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads the names of tensors out of the pickle that torch.save writes: a program for a stack machine, in general one that may call any
// function of Python. This machine knows the data instructions of protocol 2 and, of all that a pickle may name, the few things that a
// dictionary of tensors is made of; anything else ends it. It makes no tensor and calls nothing: what it "calls" is noted as data.
//
// Written from the description of the instructions in CPython's documentation (pickletools) and of the tensors' in PyTorch's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reddiff {

// A tensor as the pickle tells it; nothing of it has been held against the file.
struct PickledTensor {
  std::string name;
  std::string storage_type;                   // "FloatStorage", ...
  std::string storage_key;                    // the name of its entry in the archive's folder data/
  std::int64_t storage_size = 0, offset = 0;  // in values
  std::vector<std::int64_t> shape, stride;
};

// The tensors of the state_dict: of the dictionary that the pickle is, or of the first of "ema", "model_ema", "params_ema",
// "state_dict", "model", "params" in it that is a dictionary of tensors. "module." is taken off, where all names begin with it. What is
// no tensor is left out. Throws Error{wrong_model}: something that is not data, a damaged pickle, no tensors.
std::vector<PickledTensor> read_pickled_state(std::span<const std::byte> pickle, std::string_view file);

}  // namespace reddiff
