// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Tensors out of a file of weights, whatever its format. The first bytes tell which it is, not its name.
#pragma once

#include <span>
#include <string_view>

#include "core/weights/file_bytes.h"
#include "core/weights/stored_tensor.h"

namespace reddiff {

// Whether the file is a program of torch.jit.save: an archive that holds code. Throws Error{wrong_model} for an archive that is damaged.
bool is_torchscript(std::span<const std::byte> bytes, std::string_view file);

// What torch.save wrote since PyTorch 1.6, a zip archive, read without running anything of it (pickled_state.h says what may be in it).
// Tensors as of parse_safetensors; those of whole numbers are left out. Throws Error{wrong_model}.
NamedTensors parse_torch_file(std::span<const std::byte> bytes, std::string_view file,
                              const std::shared_ptr<const void>& owner = nullptr);

// By format. Throws Error{wrong_model}, for files of older formats with a sentence that says how to make a newer one.
NamedTensors read_tensors(const FileBytes& bytes, std::string_view file);

}  // namespace reddiff
