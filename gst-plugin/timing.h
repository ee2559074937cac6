// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The element's dealings with the clock of its pipeline: QoS events in, QoS and LATENCY messages out, the latency query. Decides
// nothing itself: see pace.h and latency.h. Methods take the element's object lock, none is called with it held.
#pragma once

#include <gst/base/gstbasetransform.h>

#include "core/api/restorer.h"
#include "gst-plugin/latency.h"
#include "gst-plugin/pace.h"
#include "gst-plugin/statistics.h"

namespace reddiff {

class Timing {
 public:
  // `statistics` has the counts that QoS messages tell; dropped frames are counted here.
  Timing(GstBaseTransform* trans, Statistics& statistics) : trans_(trans), statistics_(statistics) {}

  void start();

  // Whether the source is live; false until upstream can say it. Asks when caps come, and then before fewer and fewer frames.
  // Streaming thread.
  bool ask_if_live();
  bool ask_if_live_again();
  void forget_lateness();

  // False: the base class shall handle it (and drop late frames itself, as qos-policy=drop asks for). True: the event was taken. Upstream,
  // decoders and converters drop the frames that are late: they are told only when nothing is left to save here, or those frames would
  // never come to be made cheaper.
  bool take_qos(GstEvent* event, QosPolicy policy);

  // What `buffer` may cost; posts a QoS message whenever that changes, and for every frame that is not to come out, and one
  // warning once nothing has been restored for a second.
  // frames: that are made of it and share its time.
  Allowance allow(const GstBuffer* buffer, QosPolicy policy, int frames = 1);

  // A frame that does not come out, for no reason of time.
  void on_unfit_frame();

  // After a frame that took `time`.
  void on_frame(const FrameReport& report, GstClockTime time, GstClockTime deadline);

  // Frames begin or cease to go through untouched, which takes no time.
  void on_passthrough();

  // Adds to the answer of a latency query that upstream has answered.
  void add_latency(GstQuery* query, GstClockTime deadline);

 private:
  bool on_qos(GstEvent* event);  // whether frames are dropped already
  void post_qos(const GstBuffer* buffer);

  GstBaseTransform* trans_;
  Statistics& statistics_;
  Pace pace_;
  Latency latency_;
  Allowance allowed_;
  bool live_ = false, live_is_known_ = false;
  guint frames_ = 0;  // that came while it was not known
};

}  // namespace reddiff
