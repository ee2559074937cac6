// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/registry.h"

#include <string>

#include "core/operators/operators.h"
#include "core/priors/dct_shrink.h"

namespace reddiff {
namespace {

constexpr OperatorEntry operators[] = {
    {"identity", make_identity},
    {"average-pool", make_average_pool},
    {"bicubic", make_bicubic},
    {"gaussian-blur", make_gaussian_blur},
    {"box-blur", make_box_blur},
    {"motion-blur", make_motion_blur},
    {"kernel", make_kernel_blur},
    {"gray", make_gray},
    {"hdr", make_hdr},
    {"quantise", make_quantise},
    {"jpeg", make_jpeg},
};

constexpr SolverEntry solvers[] = {
    {SolverKind::red_diff, make_red_diff}, {SolverKind::hqs, make_hqs},     {SolverKind::ensemble, make_ensemble},
    {SolverKind::dps, make_dps},           {SolverKind::pigdm, make_pigdm}, {SolverKind::ddrm, make_ddrm},
    {SolverKind::diffpir, make_diffpir},
};

constexpr PriorEntry priors[] = {
    {"default", load_network},
    {"large", load_network},
    {"tiny", load_network},
    {"dct", [](const PriorRequest& request) { return make_dct_shrink(request.device); }},
};

}  // namespace

std::span<const OperatorEntry> operator_registry() { return operators; }
std::span<const SolverEntry> solver_registry() { return solvers; }
std::span<const PriorEntry> prior_registry() { return priors; }

OperatorPtr make_operator(const OperatorSpec& spec) {
  std::vector<OperatorPtr> stages;
  for (const auto& stage : spec.stages) {
    for (const auto& entry : operators)
      if (stage.name == entry.name) stages.push_back(entry.make(stage));
  }
  TORCH_CHECK(stages.size() == spec.stages.size(), "an operator of the grammar is missing from the registry");
  return make_composition(std::move(stages));
}

SolverPtr make_solver(SolverKind solver, const SolverOptions& options, std::uint64_t seed) {
  for (const auto& entry : solvers)
    if (entry.value == solver) return entry.make(options, seed);
  TORCH_CHECK(false, "a solver of the names table is missing from the registry");
}

DenoiserPtr make_prior(const PriorRequest& request) {
  for (const auto& entry : priors)
    if (request.name == entry.name) return entry.make(request);
  return load_network(request);  // a path, or a model of one's own in a folder that is searched
}

}  // namespace reddiff
