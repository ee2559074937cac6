// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a card says of a network that others have trained, because neither its file nor the shapes of its weights can: what it predicts,
// how it is told the noise level, the range of its pictures. Two such networks of one shape may differ in all of it, and a wrong word
// gives a wrong picture, not an error. models/README.md lists the fields.
#pragma once

#include <cstdint>

#include "core/weights/card_fields.h"

namespace reddiff {

// What the network's output stands for; core/priors/diffusion_head has the formulas.
enum class Head {
  eps,       // the noise (DDPM, guided diffusion)
  x0,        // the clean picture, from a picture scaled to variance one
  v,         // sqrt(abar) eps - sqrt(1 - abar) x0
  edm,       // the F of EDM's preconditioning
  denoiser,  // the clean picture, from the noisy one as it is
};

// How it is told the level.
enum class LevelInput {
  step,     // of its schedule, 0 the least noisy; any real number between steps
  c_noise,  // ln(sigma) / 4
  sigma,    // in the unit of its pictures
  none,     // not at all
};

enum class BetaSchedule {
  linear,       // the betas rise evenly
  root_linear,  // their roots do
  cosine,       // abar follows a squared cosine
};

struct DiffusionCard {
  Head head = Head::eps;
  double sigma_data = 0.5;  // of Head::edm
  LevelInput level = LevelInput::step;
  BetaSchedule schedule = BetaSchedule::linear;
  std::int64_t steps = 1000;
  double beta_first = 1e-4, beta_last = 0.02;  // not of the cosine
  double range_low = -1, range_high = 1;       // of the network's pictures
  // Pixels a side of the pictures it was trained on, 0 = not said. With `fixed_size` it takes no others.
  std::int64_t size = 0;
  bool fixed_size = false;
  // Of a guided U-Net: exactly one of the first two is not zero.
  std::int64_t heads = 0, head_channels = 0;
  bool heads_outside = true;  // a head's q, k and v lie side by side; else all q come first, then all k, all v
  double norm_epsilon = 1e-5;
  double frequency_shift = 0;  // frequency k of `half` ones of the step's embedding is 1e-4^(k / (half - shift))
  bool pads_after = false;     // a convolution that halves the size pads below and to the right only
};

// `attends`: of a guided U-Net, whose attention the card describes. Throws Error{wrong_model}.
DiffusionCard read_diffusion_card(const CardFields& root, bool attends);

}  // namespace reddiff
