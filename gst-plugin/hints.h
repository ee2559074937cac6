// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What users are told once in a stream, when it has held for a second: one frame may be an exception, and an estimate needs some to settle.
// Pure.
#pragma once

#include <gst/video/video.h>

#include "core/api/restorer.h"
#include "gst-plugin/settings_ledger.h"

namespace reddiff {

class HeldForASecond {
 public:
  // After each frame. True once: it holds now, and has for a second of frames in a row.
  bool on_frame(bool holds, const GstVideoInfo& info);

 private:
  int frames_ = 0;  // in a row
  bool told_ = false;
};

struct Hints {
  HeldForASecond no_noise, most_noise;  // was found by the estimate
  HeldForASecond none_known;            // of the pixels, by the mask
};

enum class NoiseFound { some, none, most };

// What a frame's report says of the estimate. `some` also where there is nothing to tell: the level was set, another thing than noise is
// to be undone, an estimate would not show, or 0 is all that is allowed.
NoiseFound noise_found(const FrameReport& report, const InForce& force, const GstVideoInfo& info);

}  // namespace reddiff
