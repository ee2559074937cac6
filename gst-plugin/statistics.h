// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The numbers behind the `stats` property: counts since start() and the last frame's report. Not locked: the element's
// object lock guards it.
#pragma once

#include <gst/gst.h>

#include <array>
#include <string>

#include "core/api/restorer.h"
#include "gst-plugin/stream_state.h"

namespace reddiff {

// What the element itself knows of a frame.
struct FrameNotes {
  bool degraded = false;
  const char* noise_source = "";  // static
  double compression_noise = 0;
};

class Statistics {
 public:
  void clear() { *this = Statistics(); }
  void frame_in() { ++frames_in_; }
  void frame_out(const FrameReport& report, const FrameNotes& notes);
  void frame_dropped() { ++frames_dropped_; }
  guint64 frames_out() const { return frames_out_; }
  guint64 frames_dropped() const { return frames_dropped_; }
  void reset_done(ResetCause cause) { ++resets_[static_cast<int>(cause)]; }
  void set_device(const std::string& description) { device_ = description; }

  // "reddiff-stats"; the times are of the last 256 frames. Full transfer.
  GstStructure* to_structure() const;

 private:
  guint64 frames_in_ = 0;
  guint64 frames_out_ = 0;
  guint64 frames_degraded_ = 0;  // had a limit on the calls of the prior because frames came too late, down to none
  guint64 frames_dropped_ = 0;   // came too late, or did not fit settings that are being negotiated
  std::array<guint64, reset_causes> resets_{};
  guint64 cuts_ = 0;
  guint64 not_finite_ = 0;
  guint64 concealed_ = 0;
  double concealed_share_ = 0;  // of the pixels of such frames, mean
  guint64 prior_calls_ = 0;
  guint64 tiles_halved_ = 0;
  std::array<double, 256> times_{};  // ring of total milliseconds, frame n at n % 256
  FrameReport last_;
  FrameNotes notes_;  // of the last frame
  std::string device_;
};

}  // namespace reddiff
