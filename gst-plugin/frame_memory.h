// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The memory of a video buffer: as a FrameView, and cleared. All that knows where frames lie: in host memory, and later in a device's.
// GstVideoFrame -> FrameView goes by GstVideoFormatInfo alone: no list of formats. Right for every format whose components are
// whole 8- or 16-bit words in host byte order.
#pragma once

#include <gst/video/video.h>

#include "core/api/frame_view.h"

namespace reddiff {

// GST_VIDEO_INFO_HAS_ALPHA, which GStreamer 1.22 gets wrong for AV12.
bool carries_alpha(const GstVideoInfo& info);

// Whether a buffer lies in a GPU's memory: told by the name of that memory's type, without the library behind it.
bool is_device_memory(GstBuffer* buffer);

// GST_MAP_CUDA of libgstcuda: memory is mapped where the device reaches it.
inline constexpr guint map_on_device = GST_MAP_FLAG_LAST << 1;

// A buffer mapped as a video frame for the life of the object, in the memory of a device if its number is given. Throws Error{format} if it cannot be mapped (a buffer smaller
// than its caps say, memory the CPU cannot reach, a read-only buffer mapped for writing, a GstVideoMeta of another format or one
// that leads out of the buffer), or if its colours are premultiplied by alpha: taken for straight they would come out too dark.
class MappedFrame {
 public:
  MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags, int device_index = -1);
  ~MappedFrame();
  MappedFrame(const MappedFrame&) = delete;
  MappedFrame& operator=(const MappedFrame&) = delete;

  FrameView view() const;

  // Every sample of a frame of the same size and format, both in host memory.
  void copy(const MappedFrame& from) { gst_video_frame_copy(&frame_, &from.frame_); }

 private:
  GstVideoFrame frame_;
  int device_index_;
};

// Fills a buffer that is about to be written. Some bytes belong to no component: the filler of RGBx and its like (255, as
// other elements write), the end of rows, the second luma of the last YUY2 pair at odd widths (0). With fixed values in them
// the same input gives the same bytes, and nothing of old memory leaves with the frame.
void clear_buffer(const GstVideoInfo& info, GstBuffer* buffer);

}  // namespace reddiff
