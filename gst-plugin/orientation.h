// SPDX-License-Identifier: LGPL-2.1-or-later
//
// How a picture file is to be turned before it is shown. Cameras store pictures as their sensor lies, and say the rest beside it.
#pragma once

#include <gst/gst.h>

#include <string>

namespace reddiff {

// As GST_TAG_IMAGE_ORIENTATION says it: "rotate-90", "flip-rotate-270" (left and right exchanged first). From the tags that came to
// `pad`, else from the Exif data of a JPEG file: decoders do not read that, and no parser that does is plugged automatically. Empty
// where nobody says anything.
std::string orientation_of(const std::string& location, GstPad* pad);

}  // namespace reddiff
