// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How what stands behind a large hole (a logo, a subtitle) moves. Nobody measures that, and where depth parts there, one smooth
// continuation of the motion around is wrong on one side of it. So several are tried, h_i: that continuation, what was found
// between estimates, and the motion of 16 places around, carried over into the hole:
//   e_i = box9 w |c - warp(z, h_i)|^2 / box9 w,  w = 1 where measured, else .02,   p_i ~ exp(-e_i / (.6 min e + 1e-5))
//   m = sum p_i warp(z, h_i),   doubt = sum p_i |warp(z, h_i) - m|^2
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

// [1,1,H,W], 1 or 0: fewer than a fifth of 7x7 pixels were measured, or that is within five pixels, as far as the patches reach that
// motion is found by. Scattered holes are not large. known: [1,1,H,W], 1 or 0.
at::Tensor large_holes(const at::Tensor& known);

// Below, z: what is moved, [1,3,H,W]; single: this frame's own estimate, [1,3,H,W], which is what was measured where `known`,
// [1,1,H,W], is 1 and not 0; flow: from z's frame, [1,2,H,W], found between estimates; holes: large_holes(known).

// `single` with z in its holes, moved along the smooth continuation of `flow`. What an estimate makes up in a hole stands still with
// it, and a search for motion follows that at its rim: this is what to search with again.
at::Tensor filled_from_past(const at::Tensor& z, const at::Tensor& single, const at::Tensor& flow,
                            const at::Tensor& known, const at::Tensor& holes);

struct MovedBehind {
  at::Tensor flow;   // [1,2,H,W], pixels
  at::Tensor moved;  // [1,3,H,W]: z along it, outside of large holes; inside, the mean over the hypotheses
  at::Tensor doubt;  // [1,1,H,W], squared core units: the variance of that mean, zero outside; undefined without holes
};

// Without large holes `flow` is taken as it is.
MovedBehind move_behind_holes(const at::Tensor& z, const at::Tensor& single, const at::Tensor& flow,
                              const at::Tensor& known, const at::Tensor& holes);

}  // namespace reddiff
