// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The `dct` prior: needs no training and no file. Every 8x8 patch at every second row and column is transformed by an
// orthonormal DCT in an opponent colour basis, coefficients below 2.7 sigma are dropped, and the overlapping estimates
// are averaged with weights 1/(sigma^2 * coefficients kept). Where sigma varies, a patch has the root mean square of
// its pixels'. sigma -> 0 gives D(u) -> u. A picture's result does not depend on what it is batched with, to the bit.
#pragma once

#include "core/priors/denoiser.h"

namespace reddiff {

DenoiserPtr make_dct_shrink(at::Device device);

}  // namespace reddiff
