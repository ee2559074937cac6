// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/passthrough.h"

#include "core/api/error.h"
#include "gst-plugin/frame_memory.h"

namespace reddiff {
namespace {

// Who reads a device's memory reads any strides.
bool lies_as_caps_say(const GstVideoInfo& info, GstBuffer* buffer) {
  const GstVideoMeta* meta = gst_buffer_get_video_meta(buffer);
  if (!meta || is_device_memory(buffer)) return true;
  for (guint i = 0; i < meta->n_planes; ++i)
    if (meta->offset[i] != GST_VIDEO_INFO_PLANE_OFFSET(&info, i) ||
        meta->stride[i] != GST_VIDEO_INFO_PLANE_STRIDE(&info, i))
      return false;
  return true;
}

}  // namespace

bool Passthrough::set(bool through) {
  if (through == static_cast<bool>(gst_base_transform_is_passthrough(trans_))) return false;
  gst_base_transform_set_passthrough(trans_, through);
  foreign_ = through;
  return true;
}

GstBuffer* Passthrough::straighten(const GstVideoInfo& info, GstBuffer* buffer) const {
  if (!foreign_ || lies_as_caps_say(info, buffer)) return buffer;
  GstBuffer* straight = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  if (!straight)
    throw Error(ErrorCode::out_of_memory, "There is not enough memory to copy a frame; make the video smaller.");
  try {
    const MappedFrame from(info, buffer, GST_MAP_READ);
    clear_buffer(info, straight);
    MappedFrame(info, straight, GST_MAP_WRITE).copy(from);
  } catch (const Error&) {  // it describes other memory than it has: not ours to judge, nothing is read of it here
    gst_buffer_unref(straight);
    return buffer;
  }
  gst_buffer_copy_into(
      straight, buffer,
      static_cast<GstBufferCopyFlags>(GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS | GST_BUFFER_COPY_META), 0,
      static_cast<gsize>(-1));
  if (GstVideoMeta* meta = gst_buffer_get_video_meta(straight)) gst_buffer_remove_meta(straight, &meta->meta);
  gst_buffer_unref(buffer);
  return straight;
}

}  // namespace reddiff
