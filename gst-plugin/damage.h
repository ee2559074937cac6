// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which frames packets were lost of, or of what they are predicted from. Decoders hardly say: FFmpeg's flag nothing that was lost behind
// the first key frame. What was in front of them does: a depayloader or demuxer marks the next buffer as discontinuous, and a frame hands
// its damage down to those that are predicted from it until the next key frame. Pure.
#pragma once

#include <gst/video/video.h>

#include "core/api/restorer.h"

namespace reddiff {

// In front of the decoder, frame by frame in the order of decoding.
class LossTracker {
 public:
  void clear() { *this = LossTracker(); }

  // is_key: predicted from nothing. lost: something of it, or between it and the frame before. time: when it is shown. Returns whether it may
  // show any of that. A key frame ends it, but for frames that are shown before it: these may be predicted from what was there before.
  bool is_damaged(bool is_key, bool lost, GstClockTime time);

 private:
  bool damaged_ = false, before_key_ = false;
  GstClockTime key_time_ = GST_CLOCK_TIME_NONE;
};

// Behind the decoder, in the order of display.
class DamageWatch {
 public:
  struct Seen {
    FrameDamage damage = FrameDamage::unwatched;
    int steps = 1;  // as FrameOptions::steps
  };

  void clear() { *this = DamageWatch(); }

  // Only a stream that says of its frames what was lost is watched before the first damaged one.
  Seen of_frame(const GstVideoInfo& info, GstBuffer* buffer);

 private:
  bool flagged_ = false, damaged_ = false;
  GstClockTime last_ = GST_CLOCK_TIME_NONE;
};

}  // namespace reddiff
