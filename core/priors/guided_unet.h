// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The U-Net of guided diffusion (arXiv 2105.05233, appendix A), as OpenAI's checkpoints and those of many others have it: residual blocks
// that the level scales and shifts or is added to, sizes changed in residual blocks or by convolutions, attention wherever the weights
// have it. guided_plan.h reads what it looks like from the names and shapes of its tensors, the card says the rest.
//
// The layers, in the order of their tensors' names:
//   step t -> [cos(t f), sin(t f)], f_k = 1e-4^(k / (half - shift)) -> Linear, SiLU, Linear
//   residual block: GroupNorm(32), SiLU, (resample here and on the short way), convolution; level: SiLU, Linear; GroupNorm, level, SiLU,
//     convolution; plus the short way, by a 1x1 convolution where the channels differ
//   attention over the picture: GroupNorm, 1x1 to q, k and v, softmax(q k / sqrt(channels of a head)) v, 1x1, plus the short way
//   out: GroupNorm, SiLU, convolution
// models/train/guided.py is the same in PyTorch, written on its own for the tests.
#pragma once

#include "core/priors/level_network.h"
#include "core/weights/model_card.h"

namespace reddiff {

// dtype: of the convolutions and the attention; level, steps and softmax are float32. Tensors that are float32 and stay on the CPU are
// used as they are, not copied. Throws Error{wrong_model} that names the tensor that is missing, left over or of another shape than
// its neighbours ask for, and heads that do not divide the channels.
LevelNetworkPtr make_guided_unet(const NamedTensors& tensors, const ModelCard& card, at::Device device,
                                 at::ScalarType dtype);

}  // namespace reddiff
