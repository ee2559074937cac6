// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Registration, and the environment of the torch module.

/**
 * SECTION:plugin-reddiff
 * @title: reddiff
 *
 * Restoration of video with a diffusion prior, the degradation that it undoes, and what compressed streams say of theirs.
 */
#include "gst-plugin/bitstream_meta.h"
#include "gst-plugin/debug.h"
#include "gst-plugin/gstreddiff.h"
#include "gst-plugin/gstreddiffbitstream.h"
#include "gst-plugin/gstreddiffdegrade.h"
#include "gst-plugin/module_loader.h"

GST_DEBUG_CATEGORY(gst_reddiff_debug);

static gboolean plugin_init(GstPlugin* plugin) {
  GST_DEBUG_CATEGORY_INIT(gst_reddiff_debug, "reddiff", 0, "video restoration with a diffusion prior");
  reddiff::prepare_environment();
  reddiff::register_bitstream_meta();
  gboolean any = FALSE;
  any |= GST_ELEMENT_REGISTER(reddiff, plugin);
  any |= GST_ELEMENT_REGISTER(reddiffdegrade, plugin);
  any |= GST_ELEMENT_REGISTER(reddiffbitstream, plugin);
  return any;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, reddiff, "Video restoration with a diffusion prior (RED-Diff)",
                  plugin_init, VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
