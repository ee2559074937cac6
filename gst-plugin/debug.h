// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The debug category `reddiff` of all files of the plugin, made in plugin_init.
#pragma once

#include <gst/gst.h>

GST_DEBUG_CATEGORY_EXTERN(gst_reddiff_debug);
#define GST_CAT_DEFAULT gst_reddiff_debug
