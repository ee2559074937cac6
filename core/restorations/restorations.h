// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Makers of the restorations, for the table in make_restoration.cpp. `tools` must outlive what is made.
#pragma once

#include "core/restorations/restoration.h"

namespace reddiff {

RestorationPtr make_independent(const Tools& tools);

// Where the last solution, moved, and where the first guess from this frame alone is the better start.
RestorationPtr make_warm_started(const Tools& tools);
// The same inside a filter of pictures, which learns nothing from its own past in large holes.
RestorationPtr make_warm_started_for_filter(const Tools& tools);
// The same where the measurement is the picture with noise: both are weighed against each other, pixel by pixel.
RestorationPtr make_fused_start(const Tools& tools);

RestorationPtr make_noisy_pictures(const Tools& tools);
RestorationPtr make_holed_pictures(const Tools& tools);
RestorationPtr make_reduced_pictures(const Tools& tools);

RestorationPtr make_blurred_measurements(const Tools& tools);
RestorationPtr make_cleaned(const Tools& tools);
RestorationPtr make_cleaned_start(const Tools& tools);
RestorationPtr make_cleaned_pictures(const Tools& tools);

RestorationPtr make_coded(const Tools& tools);
RestorationPtr make_coded_pictures(const Tools& tools);

RestorationPtr make_reduced_measurements(const Tools& tools);

}  // namespace reddiff
