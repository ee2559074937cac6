// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Code values end at black and white, and the noise of a picture ends with them: y = clip(x + sv n, -1, 1), n ~ N(0, 1), one value
// at a time. Near black and white the mean of y is then not x but m(x) = E[clip(x + sv n)] (at black .4 sv too bright), for a
// denoiser as for any average. Pictures of any shape, core units; sv > 0.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/api/frame_view.h"

namespace reddiff {

struct Clipping {
  bool black = false, white = false;  // the ends at which noise ended; where it did not, values may lie beyond
  bool averages = false;  // y is mixed from clipped values: they became Y'CbCr, and their chroma was halved; else RGB

  explicit operator bool() const { return black || white; }
};

// What the noise of a picture does where the picture is within .6 sv of one of its ends: its energy over sv^2, towards the limit and
// away from it, and of how many values. Adds up over frames.
struct EvidenceOfEnd {
  double towards = 0, away = 0, values = 0;

  // Noise that is not clipped has the same energy in both directions; that of clipped noise is .3 to .5 times as much towards
  // the limit, .6 in luma, where clipped and other values mix. Less energy than clipping leaves is detail of a clean picture,
  // or the level was set too high, to smooth more: taking clipping out would darken shadows then.
  bool clipped() const { return towards < 0.8 * away && towards + away > 0.1 * values; }
};

struct ClippingEvidence {
  EvidenceOfEnd black, white;
};

// Of [1,C,H,W]; how near is said by the mean of 5x5 pixels.
ClippingEvidence clipping_evidence(const at::Tensor& picture, double noise);

// The same by ClippingStep, as a GPU does it.
ClippingEvidence clipping_evidence_by_step(const at::Tensor& picture, double noise);

// The same for a frame that was read into `picture`: of Y'CbCr in its luma, as noise of the smooth chroma hides it in R'G'B'.
// noise: the level in R'G'B'.
ClippingEvidence clipping_evidence(const FrameView& frame, const at::Tensor& picture, double noise);

// The inverse of m: the x whose clipped noisy values have this mean; not beyond an end that clips.
at::Tensor mean_before_clipping(const at::Tensor& mean, double noise, const Clipping& clipping);

// What y was before, if x is the picture; the mean over n of the result is x. Values: E[x + sv n | y], which is y itself, and where it
// stands at a limit that clips x -+ sv phi(a)/Phi(a) with a = -(1 +- x)/sv. Averages: y + x - m(x). Without clipping: y.
at::Tensor values_before_clipping(const at::Tensor& y, const at::Tensor& x, double noise, const Clipping& clipping);

}  // namespace reddiff
