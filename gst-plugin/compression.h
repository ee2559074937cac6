// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How strongly a lossy codec has changed the pictures of a stream, from what the stream says of itself: a frame's quantiser, which
// `reddiffbitstream` tells, else codec and bit rate. Pure.
#pragma once

#include <gst/video/video.h>

#include "gst-plugin/bitstream_meta.h"

namespace reddiff {

struct CompressionNoise {
  double level = 0;            // 8-bit units; 0: the stream says nothing
  const char* from = nullptr;  // "compression-qp", "compression-codec"; static
};

// Root mean square of the errors that such a quantiser leaves, in 8-bit code values; at most 15.
double compression_error(Codec codec, double scale_qp);

// What is left of such errors, as a factor, in a picture of `width` x `height` made from one of `coded_width` x `coded_height`.
double left_by_scaling(int coded_width, int coded_height, int width, int height);

class Compression {
 public:
  void clear() { *this = Compression(); }

  // Tags belong to a stream, and end with it.
  void on_event(GstEvent* event);
  void on_tags(const GstTagList* tags);

  // The noise level that restores this frame best; see compressed.md. Call it for every frame: where the caps have no rate the
  // frames' own times tell it.
  CompressionNoise of_frame(const GstVideoInfo& info, GstBuffer* buffer);

 private:
  double frame_rate(const GstVideoInfo& info) const;
  void on_time(const GstBuffer* buffer);

  double strength_ = 0;
  guint bitrate_ = 0;
  GstClockTime last_time_ = GST_CLOCK_TIME_NONE;
  double frame_seconds_ = 0;  // mean of the last frames; 0: none was seen
  double times_ = 0;          // how many are in it
};

}  // namespace reddiff
