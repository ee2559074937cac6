// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a user can set, in units of the user (8-bit code values); no torch is needed. What the solver runs with follows from it in plan.h.
// ParamSpec defaults in gst-plugin are read from `Config{}`.
#pragma once

#include <cstdint>
#include <string>

#include "core/api/names.h"
#include "core/api/operator_spec.h"
#include "core/api/units.h"

namespace reddiff {

// A negative number stands for "as the preset says".
struct Config {
  Preset preset = Preset::automatic;
  Task task = Task::denoise;
  // output = input x scale; 0: from the operator or the task; alone, or with task=restore: super-resolution
  int scale = 0;
  std::string operator_text;  // empty: from the task
  Deinterlace deinterlace = Deinterlace::off;
  Fields fields = Fields::all;    // of interlaced video, for which there are frames
  double noise = -1;              // standard deviation of the measurement noise, 8-bit units
  std::string prior = "default";  // a registered name or a path of weights
  bool allow_code = false;        // whether a prior may be a program
  SolverKind solver = SolverKind::preset;
  Optimizer optimizer = Optimizer::preset;
  Weighting weighting = Weighting::preset;
  Order order = Order::preset;
  Spacing spacing = Spacing::preset;
  double prior_weight = -1;  // lambda of the paper
  double data_weight = -1;   // v of the paper
  double learning_rate = -1;
  double optimizer_epsilon = -1;  // eps_G: added to the root of the second moment, on the per-image gradient G
  double zeta = -1;               // solver=dps: size of the step along the gradient; diffpir: share of fresh noise
  double eta = -1;                // solver=pigdm, ddrm: share of fresh noise
  int steps = -1;                 // calls of the prior per frame
  double start_level = -1;        // noise level of the first step, 8-bit units
  Temporal temporal = Temporal::filter;
  double scene_threshold = 0.35;  // 0: never cut; see core/temporal/scene_cut.h
  MaskSource mask_source = MaskSource::automatic;
  std::string mask_location;    // a picture, for MaskSource::file
  std::string mask_roi_type;    // for MaskSource::roi; empty: any
  int mask_grow = 0;            // pixels of the input by which what is missing grows on every side
  double strength = 1;          // 0: plainly resampled input, 1: restored
  std::string device = "auto";  // auto, cpu, cuda:N
  Precision precision = Precision::automatic;
  int tile_size = 0;     // pixels a side, of what the prior sees at once; 0: by device
  int tile_overlap = 0;  // pixels; 0: 48
  std::uint64_t seed = 0;

  bool operator==(const Config&) const = default;
};

// Whether fields become whole frames: deinterlace=auto, or task=deinterlace.
bool makes_frames_of_fields(const Config& config);

// And nothing else is to be done: task=deinterlace without an operator and a mask.
bool only_makes_frames(const Config& config);

// The operator that the configuration asks for; a scale above 1 without an operator means task=super-resolution where the task is to denoise
// or to restore. Throws
// Error{settings}: unknown operator, `scale` against the operator's factor, task=deblur without an operator.
OperatorSpec resolve_operator(const Config& config);

// Output width = input width x this. Throws as resolve_operator.
int resolve_scale(const Config& config);

// Of a mask's brightness or alpha: what has less is missing. At the soft edge of a logo a little of it covers pixels that are not to be
// taken for measured; what a lossy codec leaves of white is.
inline constexpr double least_known = 0.98;

// Where missing pixels are marked, never `automatic`. Throws Error{settings}: task=inpaint without a mask, a file without a name.
MaskSource resolve_mask(const Config& config);

// noise = -1 with any task but inpaint, whose known pixels are to stay as they are: the level is estimated from each frame.
bool estimates_noise(const Config& config);

}  // namespace reddiff
