// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Kinds of error that a measurement can have, by the names that model cards use. A prior may know some of them (core/priors/denoiser.h).
#pragma once

#include <string_view>

namespace reddiff::error_kind {

inline constexpr std::string_view white = "white";  // independent from value to value
// As after demosaicing, denoising, sharpening and JPEG, or after enlarging; its level is the RMS where the picture is quiet.
inline constexpr std::string_view camera = "camera";
// Left by a lossy video codec; its level is the RMS over the picture, as its quantiser tells.
inline constexpr std::string_view codec = "codec";

// What a prior for white noise may know besides.
inline constexpr std::string_view others[] = {camera, codec};

}  // namespace reddiff::error_kind
