// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Settings come into force on the streaming thread, before a frame: what the SettingsLedger decides is done here, and what it cannot
// do is said on the bus.
#pragma once

#include <gst/video/gstvideofilter.h>

#include "gst-plugin/session.h"
#include "gst-plugin/settings_ledger.h"

namespace reddiff {

// Makes the Restorer that `force` asks for. Where none can be made the one from before goes on, `force` becomes its settings, caps are
// negotiated as before, and a warning says why. Throws Error{aborted}.
void take_over(GstVideoFilter* video, SettingsLedger& ledger, Session& session, InForce& force);

// Alpha is asked for as the mask while video without one plays. Where upstream has been asked for it and can send it nothing is said:
// the frames on the way are served by the settings from before. Where it cannot, and those serve, a warning, once; else throws
// Error{settings}.
void check_alpha(GstVideoFilter* video, SettingsLedger& ledger, const InForce& force);

// A setting whose name is going away, once from start() to stop(): `said`.
void tell_of_old_names(GstElement* element, const Config& config, bool& said);

}  // namespace reddiff
