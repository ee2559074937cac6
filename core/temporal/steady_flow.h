// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Motion that the picture shows, carried to where it does not: into flat surfaces, and along edges. There a search finds whatever
// the noise suggests; what is moved by it swirls, and noise that swirls is no longer white, so that no denoiser takes it away.
//
//   u_l = (J_l + e_l)^-1 (b_l + e_l u_{l+1}),  e_l = .2 sv^2 / 3^(l-1),  l = 1, 2, ...
//   J_l, b_l = mean of g g^T and g g^T u over 6x6 pixels, then over squares of 2^l
//
// with g the gradients of the picture and u the flow that was found: how far a pixel's motion is known, in both directions, against
// the motion of its surroundings.
#pragma once

#include <ATen/core/Tensor.h>

namespace reddiff {

// flow: [1,2,H,W], pixels; picture: [1,3,H,W], the one whose pixels have the flow; noise: sv of the measurement, core units, > 0.
// Returns [1,2,H,W].
at::Tensor steady_flow(const at::Tensor& flow, const at::Tensor& picture, double noise);

// The same by the steps of filter_steps.h, as on a GPU in builds that have their kernels.
at::Tensor steady_flow_by_steps(const at::Tensor& flow, const at::Tensor& picture, double noise);

}  // namespace reddiff
