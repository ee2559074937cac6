// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Caps arithmetic of both elements. Pure functions on GstCaps: no element, no state, no logging.
#pragma once

#include <gst/video/video.h>

namespace reddiff {

// Formats of both pads; 1 to 32768 pixels a side, progressive, system memory. Every one of GStreamer 1.22 whose components are whole
// little-endian words of 9 to 16 bits and where that library says where they lie (of Y210, Y212 and Y412 it does not).
inline constexpr const char* raw_formats =
    "{ I420, YV12, NV12, NV21, Y42B, Y444, YUY2, UYVY, RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR, "
    "RGBP, GBR, GRAY8, A420, AV12, I420_10LE, P010_10LE, Y444_10LE, GBR_10LE, I422_10LE, I420_12LE, I422_12LE, "
    "Y444_12LE, GBR_12LE, P012_LE, P016_LE, v216, Y444_16LE, GRAY16_LE, A420_10LE, A422_10LE, A444_10LE, GBRA_10LE, "
    "GBRA_12LE, AYUV64, ARGB64, ARGB64_LE, RGBA64_LE, BGRA64_LE, ABGR64_LE }";

// Those of them that carry alpha.
inline constexpr const char* alpha_formats =
    "{ RGBA, BGRA, ARGB, ABGR, A420, AV12, A420_10LE, A422_10LE, A444_10LE, GBRA_10LE, GBRA_12LE, AYUV64, ARGB64, "
    "ARGB64_LE, RGBA64_LE, BGRA64_LE, ABGR64_LE }";

// Template caps for a list of formats (one of the two above). Full transfer.
GstCaps* make_raw_caps(const char* formats);

// What becomes of a size that the denominator does not divide.
enum class Rounding {
  exact,  // it cannot be: the value, and a structure left without values, is dropped
  down,   // rounded down, not below 1, so that the element can refuse it later with a sentence of its own
};

// A copy of `caps` with every width and height (number, range, list of both; absent stays absent) times numerator over
// denominator, in 64 bit, cut to G_MAXINT. All other fields and the features stay as they are, and steps of ranges as far as they are above 1.
// Full transfer.
GstCaps* scale_caps(const GstCaps* caps, int numerator, int denominator, Rounding rounding);

// `caps` with only the structures and formats that carry alpha. Takes `caps`, full transfer.
GstCaps* keep_alpha_formats(GstCaps* caps);

// What `filter` admits of `caps`, in the filter's order; all of it when there is no filter. Takes `caps`, full transfer.
GstCaps* within(GstCaps* caps, GstCaps* filter);

// `caps`, fixed, for what comes out when `in` (fixed) comes in; for GstBaseTransformClass::fixate_caps. What a reader of `in` would
// assume for colorimetry and chroma siting is written where `caps` leave them open. Without it the assumption changes with the
// frame height: a picture of 640x480 without colorimetry is BT.601, and BT.709 once it is 1280x960. Not before fixation: in the
// answer to a caps query the fields would be demands, which a sender that leaves them out does not meet. Takes `caps`, full
// transfer.
GstCaps* fixate_with_colour(GstCaps* caps, const GstCaps* in);

// Into `info`, made of `caps`, the chroma siting that they name: GStreamer 1.22 forgets it where they name no colorimetry, as decoders of small
// pictures often do.
void keep_chroma_site(const GstCaps* caps, GstVideoInfo* info);

// A navigation event from downstream in the coordinates of the picture upstream. Takes the event, returns one that is the caller's.
GstEvent* reduce_coordinates(GstEvent* event, int scale);

}  // namespace reddiff
