// SPDX-License-Identifier: LGPL-2.1-or-later
//
// GstPresets of a plugin that is not in GStreamer's own prefix. GStreamer reads .prs files from its own data folder, the
// user's and GST_PRESET_PATH; a plugin found through GST_PLUGIN_PATH_1_0 would come without the file installed with it.
#pragma once

#include <gst/gst.h>

namespace reddiff {

// For G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, ...): what GStreamer finds goes first, the plugin's own file is added to it.
void add_own_presets(GstPresetInterface* interface);

}  // namespace reddiff
