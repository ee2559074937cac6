// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What a frame is and how far it can be believed: the picture, which of its pixels were measured, and the likelihood of its noise.
// Everything behind it works in core units and hears of sigma_y from here alone. Remembers the noise of the frames before.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/config.h"
#include "core/api/error_kinds.h"
#include "core/api/frame_view.h"
#include "core/api/presets.h"
#include "core/api/restorer.h"
#include "core/api/units.h"
#include "core/frame/clipped_noise.h"
#include "core/frame/impulse.h"
#include "core/frame/likelihood.h"
#include "core/frame/noise_model.h"

namespace reddiff {

// What there was to see of the noise, core units; noise that the user named is white.
struct NoiseSeen {
  double rms = 0;
  std::array<double, 3> of_planes{};  // R', G', B' or Y', Cb, Cr, at full size
  double slope = 1;                   // NoiseModel::slope()
  double share = 0;                   // of the blocks, that had a say
};

struct Observed {
  at::Tensor picture;  // [1,3,h,w], RGB, [-1,1], missing pixels filled; undefined where nobody looked at the frame
  at::Tensor known;    // [1,1,h,w], 1 measured, 0 missing; undefined without a mask and without impulses
  at::Tensor alpha;    // [1,1,h,w], [0,1]; undefined without alpha, or when it was the mask
  LikelihoodPtr likelihood;  // of the picture's noise
  NoiseSeen noise;
  std::string_view kind = error_kind::white;  // of the noise, as the prior's for_kind()
  bool noise_free = false;                    // it was looked for, and there is none
  bool is_least = false;                      // what a codec left is more than that: it is the level
  double coded_share = 0;                     // FrameReport::coded_share

  double sigma_y() const { return likelihood->sigma_y(); }
};

// Which measurements the solver can do something with, beside those of Gaussian noise.
struct Knows {
  bool clipping = false, intervals = false;
  bool codec = false;  // what a codec left, place by place, where the measurement is not the picture
  std::optional<OperatorStage> cells = {};  // the stage of the operator that says in which intervals values lie
};

class Observer {
 public:
  // kind: of the problem; where it is to denoise, the picture itself is what was measured. mask: never automatic. denoise: the prior,
  // which is asked whether noise is there. kinds: of error that it knows.
  Observer(Config config, ProblemKind kind, MaskSource mask, Knows knows, std::vector<std::string> kinds,
           at::Device device, Denoise denoise);

  // A frame that is not going to be solved leaves what is remembered as it is. may_pass: without noise and impulses it would leave as it came;
  // after some such frames most are not looked at. Throws Error{settings}: a mask is asked for and missing.
  Observed observe(const FrameView& frame, const FrameOptions& options, bool will_be_solved, bool may_pass = false);

  // The last frame was the first of another scene.
  void start_scene();

 private:
  bool knows_kind(std::string_view kind) const;
  bool looks_for_noise(const FrameOptions& options) const { return estimates_ && options.noise < 0; }
  bool rests(const FrameOptions& options) const;
  struct Level {
    double sigma_y;
    at::Tensor map;  // as Likelihood::sigma_map()
  };
  Level level(const FrameView& frame, const FrameOptions& options, Observed& seen, bool will_be_solved);
  double estimate(const FrameView& frame, Observed& seen, bool will_be_solved);
  bool takes_by_place(double mean) const;
  Level left_by_codec(const FrameView& frame, const FrameOptions& options, const at::Tensor& picture);
  Level map_of_noise(const FrameView& frame, const FrameOptions& options, const Observed& seen, double level) const;
  at::Tensor sound_pixels(const FrameView& frame, const at::Tensor& picture);
  NoiseSeen noise_seen(const FrameOptions& options, double sigma_y, double scale) const;
  LikelihoodPtr likelihood(const FrameView& frame, const Observed& seen, const Level& level, bool will_be_solved);
  LikelihoodPtr correlated(const LikelihoodPtr& each) const;
  LikelihoodPtr cells(const FrameView& frame, const FrameOptions& options, const at::Tensor& picture) const;
  void take_tables(const FrameView& frame, const FrameOptions& options, Observed& seen);
  Clipping clipping(const FrameView& frame, const at::Tensor& picture, double sigma_y);

  bool estimates_;                 // the level, where the frame's options leave it open
  bool codec_left_little_ = true;  // nothing, or nothing that is to be taken away, in the last frame
  bool denoises_;  // nothing else is to be done: then impulses are found, and how noise depends on brightness
  MaskSource mask_;
  int mask_grow_;
  Knows knows_;
  std::vector<std::string> kinds_;
  at::Device device_;
  Impulses impulses_;
  Denoise denoise_;
  NoiseModel noise_;
  ClippingEvidence ends_;
};

}  // namespace reddiff
