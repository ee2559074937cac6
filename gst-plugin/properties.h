// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The properties of `reddiff`: one table (properties.cpp) from which they are installed, set and read. Defaults are read from
// Settings{}, the words of enums from core/api/names.h.
#pragma once

#include <gst/gst.h>

#include "core/api/config.h"
#include "gst-plugin/pace.h"

namespace reddiff {

struct Settings : Config {
  double noise_max = 255;      // 8-bit units; no estimate of the noise is taken above it
  double chroma_strength = 1;  // as FrameOptions::chroma_strength
  Compare compare = Compare::none;
  double compare_position = 0.5;  // of the width
  double grain = 0;               // as FrameOptions::grain
  unsigned overlay = 0;           // of enum Overlay
  bool conceal = true;            // damaged frames show what was there before
  GstClockTime max_gap = 500 * GST_MSECOND;
  QosPolicy qos_policy = QosPolicy::degrade;
  GstClockTime processing_deadline = 0;
  bool post_messages = false;
};

// What a changed property asks for.
enum class Effect {
  frame,    // the next frame sees it
  rebuild,  // a new Restorer before the next frame
  start,    // the next start()
};

// Installs the table as properties 1..N and the read-only `stats` as N + 1, which it returns.
guint install_properties(GObjectClass* klass);

// `id` in 1..N.
Effect set_property(Settings& settings, guint id, const GValue* value);
void get_property(const Settings& settings, guint id, GValue* value);

}  // namespace reddiff
