// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Element `reddiffbitstream`: tells `reddiff` how a stream was compressed. See the documentation block in gstreddiffbitstream.cpp.
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_REDDIFF_BITSTREAM (gst_reddiff_bitstream_get_type())
G_DECLARE_FINAL_TYPE(GstReddiffBitstream, gst_reddiff_bitstream, GST, REDDIFF_BITSTREAM, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(reddiffbitstream)

G_END_DECLS
