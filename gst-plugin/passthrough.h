// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Buffers that go through untouched, because restoring would change nothing. The base class pushes them as they came; here is what it does
// not know: how they lie in memory. Streaming thread.
#pragma once

#include <gst/video/gstvideofilter.h>

namespace reddiff {

class Passthrough {
 public:
  explicit Passthrough(GstBaseTransform* trans) : trans_(trans) {}

  // To be called between two buffers. Returns whether that is new: both sides were told of metas and strides as it was before.
  bool set(bool through);

  // Upstream has asked how buffers may lie. From now on they lie as downstream wants them.
  void on_allocation_query() { foreign_ = false; }

  // A buffer of before that was laid out for this element, which reads any strides, as one that everyone can read; any other buffer
  // as it is. Takes `buffer`, returns one that is the caller's. Throws Error{out_of_memory}, and
  // then it is still the caller's.
  GstBuffer* straighten(const GstVideoInfo& info, GstBuffer* buffer) const;

 private:
  GstBaseTransform* trans_;
  bool foreign_ = false;  // buffers may still come with strides that downstream was not asked about
};

}  // namespace reddiff
