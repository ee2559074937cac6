// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The way of one buffer through `reddiff`, on the streaming thread: received, then restored or passed on untouched.
#pragma once

#include <gst/video/gstvideofilter.h>

#include "gst-plugin/element_state.h"

namespace reddiff {

// Whether restoring would change nothing decides about passthrough. Returns whether that is new.
bool update_passthrough(GstVideoFilter* filter, ElementState& state, const GstVideoInfo& in, const GstVideoInfo& out);

// Before the base class sees `input`: exchanges it for one that lies as its reader expects. May throw; `input` is then the caller's still.
GstFlowReturn receive(GstVideoFilter* filter, ElementState& state, GstBuffer*& input);

// What the settings ask of the video now.
Demands asked(GstVideoFilter* filter, ElementState& state);

// GstBaseTransformClass::generate_output by the parent's: of an interlaced buffer two frames, one at each call, where both are asked for.
using Generate = GstFlowReturn (*)(GstBaseTransform*, GstBuffer**);
GstFlowReturn generate(GstVideoFilter* filter, ElementState& state, const Generate& parent, GstBuffer** output);

// `force` becomes what was in force for this frame, also where this throws.
GstFlowReturn restore_frame(GstVideoFilter* filter, ElementState& state, InForce& force, GstBuffer* inbuf,
                            GstBuffer* outbuf);

}  // namespace reddiff
