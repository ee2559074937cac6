// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Interlaced buffers, where frames are to be made of their fields: which lines come first, how many frames a buffer becomes, when each is
// shown. Pure.
#pragma once

#include <gst/video/video.h>

#include <vector>

#include "core/api/names.h"
#include "core/api/restorer.h"

namespace reddiff {

// What a buffer is.
struct FieldOrder {
  bool interlaced = false;  // two moments, or one field
  bool single = false;      // only the first field is there
  bool repeats = false;     // telecine: a field is to be shown again; such frames are whole, or left as they are
  FrameLines first = FrameLines::top_field;
};

// By the caps, and where they leave it open by the buffer's flags. The order of time is the other one where video is played backwards.
FieldOrder field_order(const GstVideoInfo& info, const GstBuffer* buffer, bool backwards);

// Frames that the buffer becomes: 1 or 2.
int frames_of(const FieldOrder& order, Fields fields);

// A call of the Restorer.
struct FieldPass {
  FrameLines lines = FrameLines::all;
  bool shown = true;
};

// The calls that frame `turn`, 0 or 1, of a buffer takes; one of them is shown.
std::vector<FieldPass> passes_of(const FieldOrder& order, Fields fields, int turn);

// Times and flags of a frame that was made of `in`.
void stamp(GstBuffer* out, const GstBuffer* in, const GstVideoInfo& info, int frames, int moment);

// `caps` with half the frame rate. Takes `caps`, full transfer.
GstCaps* halve_rate(GstCaps* caps);

// What leaves for `caps` of a sink pad where each field becomes a frame: at twice the rate where `caps` say interleaved or mixed, both
// where they leave that open; of fixed caps that do not say it, whole frames come. Takes `caps`, full transfer.
GstCaps* with_rate_of_fields(GstCaps* caps);

// Whether frames of this video may have two fields that lie line by line.
bool interleaves_fields(const GstVideoInfo& info);

}  // namespace reddiff
