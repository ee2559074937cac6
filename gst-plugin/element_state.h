// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Everything that an element `reddiff` holds, and which thread may touch what.
#pragma once

#include "gst-plugin/compression.h"
#include "gst-plugin/damage.h"
#include "gst-plugin/device_caps.h"
#include "gst-plugin/device_memory.h"
#include "gst-plugin/fields.h"
#include "gst-plugin/hints.h"
#include "gst-plugin/interlaced.h"
#include "gst-plugin/mask.h"
#include "gst-plugin/object_lock.h"
#include "gst-plugin/passthrough.h"
#include "gst-plugin/session.h"
#include "gst-plugin/settings_ledger.h"
#include "gst-plugin/statistics.h"
#include "gst-plugin/stream_state.h"
#include "gst-plugin/timing.h"

namespace reddiff {

// Where the element stands within a buffer that becomes two frames.
struct FieldTurns {
  FieldOrder order;
  Fields fields = Fields::all;
  int turn = 0;
  GstBuffer* pending = nullptr;  // owned; its second frame is still to be made
  bool told_of_telecine = false;

  ~FieldTurns() { drop_pending(); }
  void drop_pending() { gst_clear_buffer(&pending); }
  int frames() const { return frames_of(order, fields); }
  std::vector<FieldPass> passes() const { return passes_of(order, fields, turn); }
};

struct ElementState {
  explicit ElementState(GstBaseTransform* trans)
      : timing(trans, statistics),
        memory(GST_ELEMENT(trans),
               [this, trans] {
                 const ObjectLock lock(trans);
                 return cuda_index(ledger.device());
               }),
        passthrough(trans) {}

  // Any thread, under the object lock.
  SettingsLedger ledger;
  Statistics statistics;
  // Any thread; it takes the object lock itself.
  Timing timing;
  // Any thread where it says so.
  DeviceMemory memory;
  // Streaming thread; start() and stop() while that does not run.
  Session session{[this](const Config& config) { mask.load(config, session.abort().flag()); }};
  Mask mask;
  Passthrough passthrough;
  Compression compression;
  DamageWatch damage;
  StreamState stream;
  InterlacedGuard interlaced;
  FieldTurns fields;
  Hints hints;
  bool warned = false;             // of frames that were not finite
  bool told_of_old_names = false;  // of settings
};

inline FrameSettings frame_settings(GstElement* element, ElementState& state) {
  const ObjectLock lock(element);
  return state.ledger.frame();
}

}  // namespace reddiff
