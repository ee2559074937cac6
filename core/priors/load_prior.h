// SPDX-License-Identifier: LGPL-2.1-or-later
//
// From what a user writes (a name, or a path) to a network in memory. Elements that are alive at the same time share
// it.
#pragma once

#include <string>

#include "core/api/names.h"
#include "core/priors/denoiser.h"

namespace reddiff {

struct NetworkRequest {
  // A path if it ends in .safetensors, .pt, .pth or .ts, else the first NAME with one of these endings in `model_dirs`.
  std::string name;
  std::string model_dirs;  // colon-separated
  at::Device device;
  Precision precision;
  bool allow_code = false;   // TorchScript
  bool time_counts = false;  // precision.h
};

// The card tells which of the architectures it is. The same file and card (by canonical path, size and time of change), device and
// precision give the same object as long as anyone holds it. Thread-safe. Throws Error{not_found} that lists the folders searched and
// the models found in them, Error{settings} for a program that is not allowed, and whatever load_model and the networks throw.
DenoiserPtr load_network(const NetworkRequest& request);

}  // namespace reddiff
