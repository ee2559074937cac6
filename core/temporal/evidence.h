// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Variances that nobody tells the filter and that it reads off the pictures: Q, what motion gets wrong, and that of an estimate
// inside a hole. All [1,1,H,W], in squared core units; pictures [1,3,H,W]; known [1,1,H,W], 1 or 0; noise: sv. Names in the
// equations are of filter_constants.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/temporal/filter_constants.h"

namespace reddiff {

// Q where every pixel is measured, from pictures in which noise does not hide what motion gets wrong, the estimate c of this frame
// alone and what is known of the last one: caution (box5 |c - moved|^2 - own)_+, with `own` what they differ by when motion is right.
at::Tensor motion_variance(const at::Tensor& single, const at::Tensor& moved, const at::Tensor& own, double caution);

// That `own` of a denoiser's estimates. It takes noise away almost wholly from flat surfaces, and detail with it elsewhere:
// sv^2 (own_of_flat + own_of_detail V / (V + detail_of_noise sv^2)), with V the variance of c in 5x5 pixels; own_of_correlated times that
// where noise varies slowly (slow_power > 1), of which it leaves more: own_share().
at::Tensor estimate_variance(const at::Tensor& single, double noise, const FilterConstants& constants,
                             double slow_power = 1);
double own_share(const FilterConstants& constants, double slow_power);

// What is wrong with a picture over whole windows of 3 x 3 cells, where noise averages out: what fades, flashes and exposure do, and
// what motion gets a little wrong in every frame. [1,3,H,W]: d (1 - doubt_of_drift v / (n |d|^2))_+, with d and v the mean and variance
// (at least sv^2) of `difference` over the n pixels of a window; where noise is not independent, n is as many independent pixels, their
// number over slow_power. `known`: where the difference is, or undefined; elsewhere the drift of
// what is around. cell: pixels a side.
at::Tensor drift(const at::Tensor& difference, const at::Tensor& known, std::int64_t cell, double noise,
                 const FilterConstants& constants, double slow_power = 1);

inline constexpr std::int64_t cells_of_drift_window = 3;  // a side

// x and the drift from it to `target`; a pixel of that counts as no more than `most`.
at::Tensor drifted(const at::Tensor& x, const at::Tensor& target, double most, const at::Tensor& known,
                   std::int64_t cell, double noise, const FilterConstants& constants, double slow_power);

// motion_variance() of what estimate_variance() says of `single`.
at::Tensor estimated_motion_variance(const at::Tensor& single, const at::Tensor& moved, double noise,
                                     const FilterConstants& constants, double slow_power = 1);

// Both by the steps of evidence_steps.h, as a GPU does them where every pixel is measured.
at::Tensor drifted_by_steps(const at::Tensor& x, const at::Tensor& target, double most, std::int64_t cell, double noise,
                            const FilterConstants& constants, double slow_power);
at::Tensor motion_variance_by_steps(const at::Tensor& single, const at::Tensor& moved, double noise,
                                    const FilterConstants& constants, double slow_power = 1);

// Q where pixels are missing, from the measured ones around:
// max(share_of_residual (e9 - sv^2), share_of_near (e3 - sv^2))_+, e = box |residual|^2; residual: y - moved z.
at::Tensor motion_variance_around(const at::Tensor& residual, const at::Tensor& known, double noise,
                                  const FilterConstants& constants);

// How wrong an estimate from this frame alone is where nothing was measured: (V + detail_of_hole^2) / (hole_slope d + hole_offset),
// with V the variance of the measured pixels nearby and d their share of a 5x5 window.
at::Tensor hole_variance(const at::Tensor& y, const at::Tensor& known, double noise, const FilterConstants& constants);

// Q where H loses resolution, from what the moved z misses of the measurement: share_of_miss (box3 |y - H m|^2 - sv^2)_+, on the
// picture's grid; unseen_in_rows motion_variance_around where y is missing. residual: y - H m, [1,c,h,w]; known: of its rows, or undefined.
at::Tensor motion_variance_behind(const at::Tensor& residual, const at::Tensor& known, std::int64_t height,
                                  std::int64_t width, double noise, const FilterConstants& constants);

// How wrong an estimate from this frame alone is where H loses resolution: lost_detail times the variance of H^+ y in
// 5x5 pixels.
at::Tensor lost_variance(const at::Tensor& initial, const FilterConstants& constants);

}  // namespace reddiff
