// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/alpha_mask.h"

#include "core/api/error.h"
#include "gst-plugin/caps.h"
#include "gst-plugin/frame_io.h"

namespace reddiff {
namespace {

constexpr const char* what_to_do =
    "the mask is the alpha channel, but this video has none; send RGBA, A420 or another format with alpha";

bool upstream_has_alpha(GstPad* sink_pad) {
  GstCaps* alpha = make_raw_caps(alpha_formats);
  GstCaps* offered = gst_pad_peer_query_caps(sink_pad, alpha);
  const bool any = !gst_caps_is_empty(offered);
  gst_caps_unref(offered);
  gst_caps_unref(alpha);
  return any;
}

}  // namespace

void AlphaMask::check(GstBaseTransform* trans, const Snapshot& wanted, const GstVideoInfo& info, bool served) {
  if (!wanted.alpha_is_mask || carries_alpha(info) || wanted.version == warned_version_) return;
  if (upstream_has_alpha(GST_BASE_TRANSFORM_SINK_PAD(trans))) return;
  if (!served) throw Error(ErrorCode::settings, what_to_do);
  warned_version_ = wanted.version;
  GST_ELEMENT_WARNING(trans, LIBRARY, SETTINGS, ("The settings from before stay: %s.", what_to_do), (nullptr));
}

}  // namespace reddiff
