// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A mask in the alpha channel that is asked for while video without one is playing.
#pragma once

#include <gst/video/video.h>

#include "gst-plugin/session.h"

namespace reddiff {

class AlphaMask {
 public:
  // Before a frame of `info`. Nothing where it has alpha, or where upstream has been asked for it and can send it: the frames on the way
  // are served by the settings from before. Where it cannot, and those serve, a warning, once; else throws Error{settings}.
  void check(GstBaseTransform* trans, const Snapshot& wanted, const GstVideoInfo& info, bool served);

 private:
  guint64 warned_version_ = G_MAXUINT64;
};

}  // namespace reddiff
