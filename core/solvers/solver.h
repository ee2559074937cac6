// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A solver finds the mean mu of a Gaussian that approximates the posterior of x given y: it decides who is called when, at which noise
// levels. What it is made of are the prior, the operator and the likelihood of a problem. Solvers hold their settings and nothing of a
// frame, so that one serves every frame and a dropped one changes nothing. To add one: a file, a row in core/registry.cpp, a word in
// core/api/names.cpp, a struct in core/api/solver_options.h.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/api/solver_options.h"
#include "core/frame/trace.h"
#include "core/priors/denoiser.h"
#include "core/solvers/problem.h"

namespace reddiff {

// What a solver asks of the rest. Compared before the first frame: see check_needs.
struct Needs {
  bool linear = false;          // H is linear
  bool proximal = false;        // H has a proximal step
  bool spectrum = false;        // H has a singular value decomposition
  bool prior_gradient = false;  // the prior's vector-Jacobian product
  bool every_pixel = false;     // no measurement is missing
  bool or_intervals = false;    // for the first two, an operator that says intervals will do (Operator::intervals)
};

class Solver {
 public:
  virtual ~Solver() = default;

  virtual Needs needs() const = 0;

  // The levels of `pass` that lie in the prior's range, one call of the prior each. Throws Error{aborted} where it is asked to stop
  // (core/api/abort.h): before a call of the prior, and where prior and operator ask. Nothing depends on how many images a batch has.
  virtual Solution solve(const Denoiser& prior, const Problem& problem, const Start& start, const Pass& pass,
                         Trace& trace) const = 0;

  // The same for noise of a known spectrum (Likelihood::spectrum), and for a prior of every kind; nullptr: this one takes it as it is.
  virtual const Solver* for_spectrum() const { return nullptr; }
};

using SolverPtr = std::unique_ptr<const Solver>;

SolverPtr make_red_diff(const SolverOptions& options, std::uint64_t seed);
SolverPtr make_hqs(const SolverOptions& options, std::uint64_t seed);
SolverPtr make_ensemble(const SolverOptions& options, std::uint64_t seed);
SolverPtr make_dps(const SolverOptions& options, std::uint64_t seed);
SolverPtr make_pigdm(const SolverOptions& options, std::uint64_t seed);
SolverPtr make_ddrm(const SolverOptions& options, std::uint64_t seed);
SolverPtr make_diffpir(const SolverOptions& options, std::uint64_t seed);

// Throws Error{settings} with a sentence for the first of the solver's needs that is not met. masked: some of y may be missing.
void check_needs(const Needs& needs, SolverKind solver, const Operator& op, const Denoiser& prior, bool masked);

}  // namespace reddiff
