// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a user can set (Config, units of the user: 8-bit code values) and what the solver runs with (Resolved: core units,
// nothing left open). `resolve` is the only way from one to the other; no torch is needed. Presets are a table in
// presets.cpp. ParamSpec defaults in gst-plugin are read from `Config{}`.
#pragma once

#include <cstdint>
#include <string>

#include "core/api/names.h"
#include "core/api/operator_spec.h"

namespace reddiff {

// A negative number stands for "as the preset says".
struct Config {
  Preset preset = Preset::automatic;
  Task task = Task::denoise;
  int scale = 0;                  // output = input x scale; 0: from the operator or the task
  std::string operator_text;      // empty: from the task
  double noise = -1;              // standard deviation of the measurement noise, 8-bit units
  std::string prior = "default";  // a registered name or a path to .safetensors
  Solver solver = Solver::preset;
  Optimizer optimizer = Optimizer::preset;
  Weighting weighting = Weighting::preset;
  Order order = Order::preset;
  Spacing spacing = Spacing::preset;
  double prior_weight = -1;  // lambda of the paper
  double data_weight = -1;   // v of the paper
  double learning_rate = -1;
  double optimizer_epsilon = -1;  // eps_G: added to the root of the second moment, on the per-image gradient G
  int steps = -1;                 // calls of the prior per frame
  double start_level = -1;        // noise level of the first step, 8-bit units
  Temporal temporal = Temporal::filter;
  double scene_threshold = 0.35;  // 0: never cut; see core/temporal/scene_cut.h
  MaskSource mask_source = MaskSource::automatic;
  std::string mask_location;    // a picture, for MaskSource::file
  std::string mask_roi_type;    // for MaskSource::roi; empty: any
  double strength = 1;          // 0: plainly resampled input, 1: restored
  std::string device = "auto";  // auto, cpu, cuda:N
  Precision precision = Precision::automatic;
  int tile_size = 0;     // pixels a side, of what the prior sees at once; 0: by device
  int tile_overlap = 0;  // pixels; 0: 48
  std::uint64_t seed = 0;

  bool operator==(const Config&) const = default;
};

// How fresh noise enters the steps of RED-Diff.
enum class Renoise {
  every_step,   // the paper
  after_first,  // step 1 sees mu as it is: the measurement carries its own noise
  none,         // no step adds noise: a deterministic fixed-point iteration at falling levels
  measurement,  // every step sees the first mu: H is the identity, and the measurement's own noise is the noise at that level
};

// How the data term is weighed against the regulariser.
enum class Balance {
  fixed,  // v as it is (the paper)
  noise,  // v times s^2 / sv^2, scaled by m/N: with lambda g(s)/s = 1 that of a prior of variance s^2 and noise of variance sv^2
};

enum class ProblemKind {
  denoise,  // identity, every pixel measured: the measurement is a noisy picture
  fill,     // missing pixels
  reduce,   // the operator loses resolution
  blur,     // same size, other than the identity
};

// Noise levels and weights in core units ([-1,1] pictures); see core/solvers/red_diff.h for the equation they enter.
struct SolverConfig {
  Solver solver = Solver::red_diff;
  Optimizer optimizer = Optimizer::adam;
  Weighting weighting = Weighting::linear;
  Order order = Order::descending;
  Spacing spacing = Spacing::uniform;
  double prior_weight = 0.25;
  double data_weight = 1.0;
  double learning_rate = 0.1;
  double optimizer_epsilon = 0.1;
  bool epsilon_of_mean_loss = false;  // eps_G = 1e-8 * values per image, what a mean loss makes of Adam's 1e-8
  int steps = 10;
  double start_level = 0;  // 0: the whole schedule of the paper
  double end_level = 0;    // 0: the schedule's lowest
  Renoise renoise = Renoise::every_step;
  Balance balance = Balance::fixed;
  bool average = false;     // fixed-point: step k has length 1/k, so that mu is the mean of the estimates so far
  bool symmetries = false;  // step k shows the prior the picture turned and mirrored in the k-th of eight ways
  bool return_before_step = false;  // the mu the last step saw, as the published code returns
};

struct Resolved {
  OperatorSpec op;
  ProblemKind kind = ProblemKind::denoise;
  int scale = 1;                       // the operator's factor
  MaskSource mask = MaskSource::none;  // never automatic
  double noise = 0;                    // sv in core units, never 0
  SolverConfig cold;                   // for a frame without a past
  SolverConfig warm;                   // for a frame whose mean starts at the moved previous solution
  // With the temporal filter: for a frame before its past is asked (where H loses resolution from a warm start, and a frame without
  // a past takes `cold`), and for the rest of the steps from the filter's z, at the level that it says of each pixel. Where the
  // measurements are filtered neither is used.
  SolverConfig alone, along;
  bool filters = false;  // the temporal filter knows this problem and this optimiser
  // It then works on the measurements, and the solver on what it makes of them: blurs, and reductions with noise.
  bool filters_measurements = false;
  bool clips_noise = false;  // where code values end, the noise of the measurement is looked at for having ended there
};

// The operator that the configuration asks for. Throws Error{settings}: unknown operator, `scale` against the operator's factor,
// task=deblur without an operator.
OperatorSpec resolve_operator(const Config& config);

// Output width = input width x this. Never throws for a configuration `resolve_operator` accepts.
int resolve_scale(const Config& config);

// Where missing pixels are marked, never `automatic`. Throws Error{settings}: task=inpaint without a mask, a file without a name.
MaskSource resolve_mask(const Config& config);

// noise = -1 with task denoise or restore: the level is estimated from each frame and put into `noise` before `resolve`.
bool estimates_noise(const Config& config);

// `live`: the source is live. `bit_depth`: of the input, for the quantisation floor of the noise. Throws Error{settings}
// with one sentence that says what to set.
// `most_calls` > 0: of the prior, whatever the steps and the temporal mode ask for; the filter then makes do with a single call.
Resolved resolve(const Config& config, bool live, int bit_depth, int most_calls = -1);

// 8-bit code values <-> core units.
constexpr double level_to_core(double code_values) { return code_values * 2.0 / 255.0; }
constexpr double level_to_user(double level) { return level * 255.0 / 2.0; }

// sv in core units; below a code value it is rounding.
constexpr bool is_noisy(double noise) { return noise > level_to_core(1); }

}  // namespace reddiff
