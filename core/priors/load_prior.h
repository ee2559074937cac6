// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From what a user writes (a name, or a path) to a network in memory. Elements that are alive at the same time share
// it.
#pragma once

#include <string>

#include "core/api/names.h"
#include "core/priors/denoiser.h"

namespace reddiff {

// name_or_path: a path if it ends in .safetensors, else NAME.safetensors in the first of `model_dirs` (colon-separated)
// that has it. The same file and card (by canonical path, size and time of change), device and precision give the same object as
// long as anyone holds it. Thread-safe. Throws Error{not_found} that lists the folders searched and the models found in
// them, and whatever load_model and make_conv_unet throw.
DenoiserPtr load_conv_unet(const std::string& name_or_path, const std::string& model_dirs, at::Device device,
                           Precision precision);

}  // namespace reddiff
