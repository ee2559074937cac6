// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A TorchScript program as a network. It is code: once loaded it can do what LibTorch can, with the user's rights, so whoever calls
// this has been told that it may (allow-code=true).
#pragma once

#include "core/api/names.h"
#include "core/priors/level_network.h"
#include "core/weights/model_card.h"

namespace reddiff {

// The program's forward(x, level), or forward(x) where the card says that it is told no level. It is called once on grey, so that what
// does not work is said when it is loaded, and once for a gradient, which it may not have. `automatic` leaves its numbers in the format
// they have; the others convert them and the picture, not the level. Throws Error{wrong_model}.
LevelNetworkPtr load_script(const FileBytes& file, const ModelCard& card, at::Device device, Precision precision);

}  // namespace reddiff
