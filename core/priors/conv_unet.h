// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The default prior: an EDM-preconditioned residual U-Net on 2x2 pixel-unshuffled RGB with FiLM by the noise level of
// every pixel. models/train/network.py is its definition, and its state_dict the names of the tensors. With v = sigma^2 +
// sd^2:
//   D(u, sigma) = sd^2/v u + sigma sd/sqrt(v) F(u/sqrt(v), log(sigma)/4).
// One noise level for the whole picture folds into the convolutions' weights; see film.h for the other case. The weights are not
// trained here; a gradient in u can be had.
#pragma once

#include "core/api/names.h"
#include "core/priors/conv2d.h"
#include "core/priors/denoiser.h"
#include "core/weights/model_card.h"

namespace reddiff {

// `automatic`: see precision.h. Throws Error{wrong_model} that names the tensor that is missing or has another shape than the card's sizes
// ask for, Error{settings} where the precision cannot be. Tensors beyond those are ignored.
DenoiserPtr make_conv_unet(const NamedTensors& tensors, const ModelCard& card, at::Device device, Precision precision,
                           bool time_counts = false);

// The same with the path of the computation chosen by hand; `fused` needs has_fused_convolution(), the CPU and float32,
// `int8` has_int8_convolution() and a network with "int8." tensors (int8_block.h) besides.
DenoiserPtr make_conv_unet(const NamedTensors& tensors, const ModelCard& card, at::Device device, at::ScalarType dtype,
                           ConvPath path);

}  // namespace reddiff
