// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Element `reddiff`: restores video. See the documentation block in gstreddiff.cpp.
#pragma once

#include <gst/video/gstvideofilter.h>

G_BEGIN_DECLS

#define GST_TYPE_REDDIFF (gst_reddiff_get_type())
G_DECLARE_FINAL_TYPE(GstReddiff, gst_reddiff, GST, REDDIFF, GstVideoFilter)

GST_ELEMENT_REGISTER_DECLARE(reddiff)

G_END_DECLS
