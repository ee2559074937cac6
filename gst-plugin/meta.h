// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What becomes of a buffer's metas when the picture keeps its format and changes its size.
#pragma once

#include <gst/video/gstvideofilter.h>

namespace reddiff {

// For GstBaseTransformClass::transform_meta: TRUE = the base class copies the meta. Metas that depend on the size (regions of
// interest) are scaled by their own transform function, those that depend on the colours and what
// `reddiffbitstream` said are dropped, all others copied. The base class alone would drop every meta that has a tag.
gboolean carry_meta(const GstVideoFilter* filter, GstBuffer* outbuf, GstMeta* meta, GstBuffer* inbuf);

}  // namespace reddiff
