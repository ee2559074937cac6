// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How strongly a lossy codec has changed the pictures of a stream, from what the stream says of itself: codec and bit rate. Pure.
#pragma once

#include <gst/video/video.h>

namespace reddiff {

class Compression {
 public:
  void clear() { *this = Compression(); }

  // Tags belong to a stream, and end with it.
  void on_event(GstEvent* event);
  void on_tags(const GstTagList* tags);

  // The noise level that restores such pictures best, 8-bit units: s (bits per pixel)^-0.55, s by codec, at most 15. 0 when the tags
  // name no codec that was measured (H.264, HEVC), no bit rate, or the video has no frame rate.
  double noise(const GstVideoInfo& info) const;

 private:
  double strength_ = 0;
  guint bitrate_ = 0;
};

}  // namespace reddiff
