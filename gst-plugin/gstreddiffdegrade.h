// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Element `reddiffdegrade`: degrades clean video. See the documentation block in gstreddiffdegrade.cpp.
#pragma once

#include <gst/video/gstvideofilter.h>

G_BEGIN_DECLS

#define GST_TYPE_REDDIFF_DEGRADE (gst_reddiff_degrade_get_type())
G_DECLARE_FINAL_TYPE(GstReddiffDegrade, gst_reddiff_degrade, GST, REDDIFF_DEGRADE, GstVideoFilter)

GST_ELEMENT_REGISTER_DECLARE(reddiffdegrade)

G_END_DECLS
