// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is believed of the noise of a video, from frame to frame: its level, as the prior has to be told it. Single frames say how much
// there may be, at three sizes; what changes where nothing moves says which share of that is noise and no detail, and that is kept
// for the scene. Until a frame has shown it, the prior itself is asked (noise_verdict.h).
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "core/frame/noise_curve.h"
#include "core/frame/noise_estimate.h"
#include "core/frame/noise_track.h"
#include "core/frame/noise_verdict.h"
#include "core/frame/spectrum_track.h"

namespace reddiff {

// Of frames of one geometry.
class NoiseModel {
 public:
  NoiseModel();

  // picture: [1,3,H,W] as read from the frame; known: [1,1,H,W], or undefined. Returns the level to use for it; 0: no noise.
  double update(const FrameView& frame, const at::Tensor& picture, const at::Tensor& known, const Denoise& denoise);

  // What the last update returned; 0 before the first.
  double level() const { return level_; }

  // [1,1,H,W], the level of each pixel of the last picture, where it depends on brightness so much that it matters; else undefined.
  at::Tensor map(const at::Tensor& picture) const;

  // Of the noise itself; level() is larger where it is not white, as the prior needs it. Core units.
  double rms() const { return level_ * rms_over_level_ * rms_over_read_; }
  // Neighbouring values have it in common: the prior's kind "camera" knows it better, by its root mean square.
  bool is_correlated() const { return level_ > 0 && (size_ > 0 || rise_ > 1); }
  // Of the noise's variance: the density at the size where it is largest.
  double density() const { return rms_over_level_ > 0 ? 1 / (rms_over_level_ * rms_over_level_) : 1; }
  // What neighbouring values have in common, where time has told; else nullptr.
  NoiseSpectrumPtr spectrum() const { return is_correlated() ? spectrum_.known() : nullptr; }
  // Of the planes that the frame has, at full size: R', G', B' or Y', Cb, Cr.
  std::array<double, 3> of_planes() const;
  // The level at half size over that at full size, 1 for white noise; 1 without noise.
  double slope() const { return slope_; }
  // Of the blocks, that had a say in the level.
  double share() const { return share_; }

  // Where there was none for a while, looking now and then does: it costs more than anything else is done to such a frame. The next update
  // will look at nothing and return what the last one did.
  bool will_rest() const;
  // Counts as an update that rests.
  void rest() { ++resting_; }

  // A new scene begins with the frame of the last update.
  void start_scene();

 private:
  using Levels = std::array<double, noise_sizes>;

  // Whether the picture stands still, or moves by whole pixels: then the last one is what it was, moved.
  bool learn_from_change(const std::vector<NoisePlanes>& planes, const NoiseEstimate& alone);
  bool is_sure(bool still);
  std::optional<NoiseEstimate> change_along_motion(const std::vector<NoisePlanes>& planes);
  bool learn_share(const NoiseEstimate& alone, const NoiseEstimate& change);
  void learn_spectrum(const at::Tensor& picture);
  void describe(const NoiseEstimate& alone, bool three_alike);
  double told_over_read() const;
  double believed(const Levels& levels, const at::Tensor& picture, const Denoise& denoise);

  std::vector<NoisePlanes> before_;
  std::array<NoiseTrack, noise_sizes> sizes_;  // of single frames
  NoiseTrack track_;
  int idle_ = 0, resting_ = 0;  // frames without noise one after the other; those that were not looked at
  int described_ = -1;          // what rms_over_level_ is of: the size, and whether the spectrum rises
  double level_ = 0, rms_over_level_ = 1, rms_over_read_ = 1, slope_ = 1, share_ = 0, first_plane_ = 0,
         other_planes_ = 0;
  int size_ = 0;  // that it was read at
  std::array<BrightnessCurve, noise_sizes> curves_;
  std::optional<NoiseEstimate> last_;  // of the frame before
  at::Tensor last_picture_;            // where it has noise and no pixel is missing; else undefined
  SpectrumTrack spectrum_;
  double rise_ = 1;     // of the spectrum, where it is that of correlated noise; else 1
  int not_learnt_ = 0;  // frames since it was looked at
  int moving_ = 0;      // frames of this scene in which something moved
  int still_in_a_row_ = 0;
  std::optional<Levels> noise_share_;  // of what a single frame shows, 0..1, where time has told
  // What the prior said, and of which levels; before it was asked there are none.
  std::optional<Levels> judged_;
  std::optional<int> verdict_;
};

}  // namespace reddiff
