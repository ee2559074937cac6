// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The numbers in the equations of filter.h and evidence.h that no measurement gives. They were chosen on development clips by
// tests/bench/search_filter.cpp; MEASUREMENTS.md shows what half and twice of each does. All are plain factors, but for detail_of_hole.
#pragma once

namespace reddiff {

struct FilterConstants {
  // Every pixel is measured: Q = caution (box5 |c - moved|^2 - own)_+, c the estimate of this frame alone, moved what was restored of
  // the last one, own = sv^2 (own_of_flat + own_of_detail V / (V + detail_of_noise sv^2)), V the variance of c in 5x5 pixels.
  double caution = 6;
  double own_of_flat = 0.0025;
  double own_of_detail = 0.08;
  double detail_of_noise = 0.03;
  double own_of_correlated = 8;  // `own` is so many times that, where neighbours share noise
  // H is a blur: the same of H^T y, in which nothing is the denoiser's own.
  double caution_of_blur = 2;
  // A drift is believed as far as its power exceeds this many times what chance makes of it in its window.
  double doubt_of_drift = 1.5;
  // Pixels are missing: Q = max(share_of_residual (e9 - sv^2), share_of_near (e3 - sv^2))_+, e9 and e3 the mean of
  // |y - moved z|^2 in 9x9 and 3x3 pixels; the rest is what z does not know yet, P- has it.
  double share_of_residual = 0.25;
  double share_of_near = 0.5;
  // Where H loses resolution that Q is taken this many times: y - H m shows only a part of what is wrong.
  double unseen_in_rows = 2;
  // R in a hole = (V + detail_of_hole^2) / (hole_slope d + hole_offset), with d the share of measured pixels around.
  double hole_slope = 13;
  double hole_offset = 0.25;    // 1 over the R of a deep hole, in units of V
  double detail_of_hole = 0.1;  // deviation of what a hole may hide where nothing is seen around it, core units
  // H loses resolution: Q = share_of_miss (box3 |y - H m|^2 - sv^2)_+.
  double share_of_miss = 0.8;
  // R = lost_detail times the variance of H^+ y: energy of what H takes away, over that of the finest it leaves.
  double lost_detail = 4;
  double share_of_lost = 0.6;  // level = share_of_lost sqrt(P): how much of z's error is noise to the denoiser
  // P >= sv^2 / frames_remembered: motion is never perfect.
  double frames_remembered = 6;
};

}  // namespace reddiff
