// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ATen/ATen.h>

#include "core/restorations/restorations.h"

namespace reddiff {
namespace {

struct Row {
  Shape shape;
  RestorationPtr (*make)(const Tools&);
};

constexpr Row table[] = {
    {Shape::independent, make_independent},
    {Shape::warm_started, make_warm_started},
    {Shape::fused_start, make_fused_start},
    {Shape::noisy_pictures, make_noisy_pictures},
    {Shape::holed_pictures, make_holed_pictures},
    {Shape::reduced_pictures, make_reduced_pictures},
    {Shape::blurred_measurements, make_blurred_measurements},
    {Shape::reduced_measurements, make_reduced_measurements},
    {Shape::cleaned, make_cleaned},
    {Shape::cleaned_start, make_cleaned_start},
    {Shape::cleaned_pictures, make_cleaned_pictures},
    {Shape::coded, make_coded},
    {Shape::coded_pictures, make_coded_pictures},
};

}  // namespace

RestorationPtr make_restoration(Shape shape, const Tools& tools) {
  for (const Row& row : table)
    if (row.shape == shape) return row.make(tools);
  TORCH_CHECK(false, "a shape of the plan is missing from the table of restorations");
}

Start cold_start(const Tools& tools, const Problem& problem) {
  const auto level = tools.kind == ProblemKind::denoise ? problem.likelihood->sigma_map() : at::Tensor();
  return {tools.op->pseudo_inverse(problem.y), level, tools.kind == ProblemKind::fill};
}

at::Tensor solve(const Tools& tools, const Problem& problem, const Pass& pass, Start start, Trace& trace) {
  if (start.level.defined() && !tools.prior.per_pixel_sigma())
    start.level = start.level.square().mean().sqrt().view({1, 1, 1, 1});
  const Solver* spectral = problem.likelihood->spectrum() ? tools.solver.for_spectrum() : nullptr;
  const Denoiser* knows = spectral ? nullptr : tools.prior.for_kind(problem.kind);
  const auto solution =
      (spectral ? *spectral : tools.solver).solve(knows ? *knows : tools.prior, problem, start, pass, trace);
  trace.visited(solution.levels);
  return solution.mu;
}

}  // namespace reddiff
