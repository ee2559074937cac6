// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Explicit tables of everything that can be chosen by name. Tests loop over them.
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string>

#include "core/api/config.h"
#include "core/operators/operator.h"
#include "core/priors/denoiser.h"
#include "core/priors/load_prior.h"
#include "core/solvers/solver.h"

namespace reddiff {

struct OperatorEntry {
  const char* name;
  OperatorPtr (*make)(const OperatorStage&);
};
std::span<const OperatorEntry> operator_registry();

// A composition if the spec has several stages.
OperatorPtr make_operator(const OperatorSpec& spec);

struct SolverEntry {
  SolverKind value;
  SolverPtr (*make)(const SolverOptions& options, std::uint64_t seed);  // options: of this solver
};
std::span<const SolverEntry> solver_registry();
SolverPtr make_solver(SolverKind solver, const SolverOptions& options, std::uint64_t seed);

using PriorRequest = NetworkRequest;  // name: Config::prior

struct PriorEntry {
  const char* name;
  DenoiserPtr (*make)(const PriorRequest&);
};
std::span<const PriorEntry> prior_registry();

// A registered name, or whatever load_network takes. Throws Error{not_found} that lists the names.
DenoiserPtr make_prior(const PriorRequest& request);

}  // namespace reddiff
