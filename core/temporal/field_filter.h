// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole pictures of interlaced video. A field is a measurement of every second line without noise worth speaking of; what lies between
// is filtered recursively along the motion, a Kalman filter per pixel as in filter.h, with known lines exact.
// State: z, [1,C,H,W], and its variance P, 0 where a line was measured.
//
//   predict   m = warp(z) + interpolate(y - warp(z)) x/e,  P- = warp(P) + wrong_share E
//   fuse      z = m + P- / (P- + R) (s - m),  P = R P- / (P- + R)
//
// between the lines, where s is interpolated from the field alone; e the energy of y - warp(z) on the measured lines around, p what P
// makes of it, x = (e - doubt p)_+ and E the larger of x and a share of the same of the field before last, moved twice as far: lines that
// were measured against lines that were measured. R, what the interpolation gets wrong: energy of m - s without E, and a share of the
// difference of the lines above and below. It is done along the motion and standing still, and whichever has the smaller E is taken, pixel
// by pixel. Where two fields of either parity repeat the ones before, E is their difference at most: a scene that stands still is woven of
// its two fields to the bit.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>

namespace reddiff {

// Lines of a picture that were measured together: first, first + 2, ... of `height`, [1,C,n,W] in core units.
struct Field {
  at::Tensor lines;
  std::int64_t first = 0;  // 0: the top line's, 1: the other
  std::int64_t height = 0;
};

// Of a whole picture; height >= 2.
Field field_of(const at::Tensor& picture, std::int64_t first);

// Cubic between the lines, which stay as they are. [1,C,H,W].
at::Tensor interpolated(const Field& field);

class FieldFilter {
 public:
  struct Whole {
    at::Tensor picture;   // [1,C,H,W], z
    at::Tensor variance;  // [1,1,H,W], P
  };

  // The whole picture of the last field; undefined before the first.
  const at::Tensor& last() const { return state_.picture; }

  // Whether this field and the last one are those of two fields before, all over.
  bool repeats(const Field& now) const;

  // flow: [1,2,H,W], backward, from this field to the last; undefined: nothing moves, or there is no past.
  Whole update(const Field& now, const at::Tensor& flow);

 private:
  // Of what was moved, between the lines of a field.
  struct Moved {
    at::Tensor picture, variance, wrong;  // m, warp(P), E
  };
  at::Tensor change(const Field& now) const;
  Moved moved(const Field& now, const Whole& by_one, const Whole& by_two, const at::Tensor& most_wrong) const;
  Moved best_moved(const Field& now, const at::Tensor& flow) const;

  Whole state_, before_;      // after the last field, and after the one before
  std::deque<Field> fields_;  // the last first, three at most
};

}  // namespace reddiff
