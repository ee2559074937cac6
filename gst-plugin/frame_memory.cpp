// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/frame_memory.h"

#include <algorithm>
#include <string>

#include "core/api/error.h"

namespace reddiff {
namespace {

ColorModel color_model(const GstVideoFormatInfo* format) {
  if (GST_VIDEO_FORMAT_INFO_IS_GRAY(format)) return ColorModel::gray;
  return GST_VIDEO_FORMAT_INFO_IS_YUV(format) ? ColorModel::ycbcr : ColorModel::rgb;
}

Component component(const GstVideoFrame* frame, int index) {
  Component c;
  c.data = GST_VIDEO_FRAME_COMP_DATA(frame, index);
  c.row_stride = GST_VIDEO_FRAME_COMP_STRIDE(frame, index);
  c.pixel_stride = GST_VIDEO_FRAME_COMP_PSTRIDE(frame, index);
  c.width = GST_VIDEO_FRAME_COMP_WIDTH(frame, index);
  c.height = GST_VIDEO_FRAME_COMP_HEIGHT(frame, index);
  c.depth = GST_VIDEO_FRAME_COMP_DEPTH(frame, index);
  c.word_bytes = c.depth > 8 ? 2 : 1;
  // GStreamer 1.22 gives the second chroma of P010 an offset of one byte; it is one word.
  const int offset = GST_VIDEO_FRAME_COMP_POFFSET(frame, index);
  if (offset % c.word_bytes != 0) c.data = static_cast<guint8*>(c.data) + offset;
  c.shift = GST_VIDEO_FORMAT_INFO_SHIFT(frame->info.finfo, index);
  return c;
}

// What gst_video_frame_map asks of a GstVideoMeta, asked before it: there a breach is a failed assertion.
bool fits(const GstVideoMeta& meta, const GstVideoInfo& info) {
  return meta.format == GST_VIDEO_INFO_FORMAT(&info) && meta.n_planes == GST_VIDEO_INFO_N_PLANES(&info) &&
         meta.width >= static_cast<guint>(info.width) && meta.height >= static_cast<guint>(info.height);
}

// Strides come with the buffer and GStreamer believes them: is every sample inside the memory that was mapped?
bool inside(const GstVideoFrame& frame, int index) {
  const Component c = component(&frame, index);
  const GstMapInfo& map = frame.map[frame.meta ? GST_VIDEO_FRAME_COMP_PLANE(&frame, index) : 0];
  const gint64 at = static_cast<const guint8*>(c.data) - map.data, rows = gint64{c.height - 1} * c.row_stride;
  const gint64 row = gint64{c.width - 1} * c.pixel_stride + c.word_bytes;
  return at + std::min<gint64>(rows, 0) >= 0 && at + std::max<gint64>(rows, 0) + row <= static_cast<gint64>(map.size);
}

}  // namespace

bool carries_alpha(const GstVideoInfo& info) { return GST_VIDEO_INFO_N_COMPONENTS(&info) == 4; }

bool is_device_memory(GstBuffer* buffer) {
  return gst_buffer_n_memory(buffer) == 1 && gst_memory_is_type(gst_buffer_peek_memory(buffer, 0), "gst.cuda.memory");
}

MappedFrame::MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags, int device_index)
    : device_index_(device_index) {
  if (info.flags & GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA)
    throw Error(ErrorCode::format,
                "The colours of this video are multiplied by its alpha already; send straight alpha.");
  const GstVideoMeta* meta = gst_buffer_get_video_meta(buffer);
  const char* problem = nullptr;
  const auto how = static_cast<GstMapFlags>(flags | (device_index < 0 ? 0 : map_on_device));
  if (meta && !fits(*meta, info)) {
    problem = "its GstVideoMeta describes another kind of frame";
  } else if (!gst_video_frame_map(&frame_, &info, buffer, how)) {
    problem = "it is too small, or of a kind the CPU cannot reach";
  } else {
    // A meta may describe a larger frame; what counts is what was negotiated.
    frame_.info.width = info.width;
    frame_.info.height = info.height;
    for (guint i = 0; i < GST_VIDEO_FRAME_N_COMPONENTS(&frame_) && !problem; ++i)
      if (!inside(frame_, static_cast<int>(i))) problem = "strides or offsets of its GstVideoMeta lead out of it";
    if (!problem) return;
    gst_video_frame_unmap(&frame_);
  }
  throw Error(ErrorCode::format,
              std::string("A video buffer could not be mapped for ") + (flags & GST_MAP_WRITE ? "writing" : "reading") +
                  ": " + problem + "; the element before or after sends memory that does not fit its caps.",
              "buffer of " + std::to_string(gst_buffer_get_size(buffer)) + " bytes, caps ask for " +
                  std::to_string(GST_VIDEO_INFO_SIZE(&info)));
}

MappedFrame::~MappedFrame() { gst_video_frame_unmap(&frame_); }

FrameView MappedFrame::view() const {
  const GstVideoInfo& info = frame_.info;
  FrameView view;
  view.width = GST_VIDEO_FRAME_WIDTH(&frame_);
  view.height = GST_VIDEO_FRAME_HEIGHT(&frame_);
  view.model = color_model(info.finfo);
  view.device_index = device_index_;
  view.has_alpha = carries_alpha(info);
  for (int i = 0; i < color_components(view); ++i) view.component[i] = component(&frame_, i);
  if (view.has_alpha) view.component[3] = component(&frame_, GST_VIDEO_COMP_A);
  // Where the caps do not know: as most of such formats are. FFmpeg's decoder says so of gray JPEG, which is full.
  view.full_range = view.model == ColorModel::ycbcr ? info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255
                                                    : info.colorimetry.range != GST_VIDEO_COLOR_RANGE_16_235;
  gdouble kr = 0, kb = 0;
  if (gst_video_color_matrix_get_Kr_Kb(info.colorimetry.matrix, &kr, &kb)) view.matrix = {kr, kb};
  if (info.chroma_site != GST_VIDEO_CHROMA_SITE_UNKNOWN) {
    view.chroma_cosited_x = info.chroma_site & GST_VIDEO_CHROMA_SITE_H_COSITED;
    view.chroma_cosited_y = info.chroma_site & GST_VIDEO_CHROMA_SITE_V_COSITED;
  }
  return view;
}

void clear_buffer(const GstVideoInfo& info, GstBuffer* buffer) {
  const GstVideoFormatInfo* format = info.finfo;
  const bool filler = GST_VIDEO_FORMAT_INFO_IS_RGB(format) && GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format) == 3 &&
                      GST_VIDEO_FORMAT_INFO_PSTRIDE(format, 0) == 4;
  gst_buffer_memset(buffer, 0, filler ? 255 : 0, gst_buffer_get_size(buffer));
}

}  // namespace reddiff
