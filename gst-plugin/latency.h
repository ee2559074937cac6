// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The latency that the element reports: what nearly all of the last frames took, or the deadline a user sets if that is more.
// Pure; the element's object lock guards it.
#pragma once

#include <gst/gst.h>

#include <array>

namespace reddiff {

class Latency {
 public:
  void clear() { *this = Latency(); }

  // The time one frame took. The first frame after clear() makes what later ones find made: it counts only until the second.
  void record(GstClockTime time);

  // max(95th percentile of the last 64 frames, deadline).
  GstClockTime value(GstClockTime deadline) const;

  // True when the pipeline should ask again: value() is 10 % more than what was reported, or, once enough frames have come, less.
  // Reports then.
  bool report(GstClockTime deadline);

 private:
  std::array<GstClockTime, 64> times_{};
  guint64 count_ = 0;
  guint64 reported_at_ = 0;
  GstClockTime reported_ = 0;
  bool first_ = false;
};

}  // namespace reddiff
