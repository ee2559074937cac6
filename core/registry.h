// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Explicit tables of everything that can be chosen by name. Tests loop over them.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <string>

#include "core/api/config.h"
#include "core/operators/operator.h"
#include "core/priors/denoiser.h"
#include "core/solvers/optimizer.h"

namespace reddiff {

struct OperatorEntry {
  const char* name;
  OperatorPtr (*make)(const OperatorStage&);
};
std::span<const OperatorEntry> operator_registry();

// A composition if the spec has several stages.
OperatorPtr make_operator(const OperatorSpec& spec);

struct OptimizerEntry {
  Optimizer value;
  std::unique_ptr<MeanOptimizer> (*make)(const SolverConfig&);
};
std::span<const OptimizerEntry> optimizer_registry();
std::unique_ptr<MeanOptimizer> make_optimizer(const SolverConfig& config);

struct PriorRequest {
  std::string name;        // Config::prior
  std::string model_dirs;  // colon-separated, searched in order for NAME.safetensors
  at::Device device;
  Precision precision;
};

struct PriorEntry {
  const char* name;
  const char* description;
  DenoiserPtr (*make)(const PriorRequest&);
};
std::span<const PriorEntry> prior_registry();

// A registered name, or a path ending in .safetensors. Throws Error{not_found} that lists the names.
DenoiserPtr make_prior(const PriorRequest& request);

}  // namespace reddiff
