// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/meta.h"

#include <gst/video/video.h>

#include "gst-plugin/bitstream_meta.h"

namespace reddiff {

gboolean carry_meta(const GstVideoFilter* filter, GstBuffer* outbuf, GstMeta* meta, GstBuffer* inbuf) {
  const GstMetaInfo* info = meta->info;
  if (is_bitstream_meta(meta)) return FALSE;  // what it says is not so of a restored frame
  if (gst_meta_api_type_has_tag(info->api, g_quark_from_static_string(GST_META_TAG_VIDEO_COLORSPACE_STR))) return FALSE;
  const bool same_size = GST_VIDEO_INFO_WIDTH(&filter->in_info) == GST_VIDEO_INFO_WIDTH(&filter->out_info) &&
                         GST_VIDEO_INFO_HEIGHT(&filter->in_info) == GST_VIDEO_INFO_HEIGHT(&filter->out_info);
  if (same_size || !gst_meta_api_type_has_tag(info->api, g_quark_from_static_string(GST_META_TAG_VIDEO_SIZE_STR)))
    return TRUE;
  if (info->transform_func) {
    GstVideoMetaTransform scaling = {const_cast<GstVideoInfo*>(&filter->in_info),
                                     const_cast<GstVideoInfo*>(&filter->out_info)};
    info->transform_func(outbuf, meta, inbuf, gst_video_meta_transform_scale_get_quark(), &scaling);
  }
  return FALSE;
}

}  // namespace reddiff
