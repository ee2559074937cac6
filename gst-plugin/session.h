// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The Restorer between start() and stop(): made, told to forget, given frames. Which settings it is made from is the SettingsLedger's to
// say. Knows neither events nor messages.
#pragma once

#include <gst/video/gstvideofilter.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/api/restorer.h"
#include "gst-plugin/abort_causes.h"
#include "gst-plugin/damage.h"
#include "gst-plugin/device_memory.h"
#include "gst-plugin/fields.h"
#include "gst-plugin/settings_ledger.h"
#include "gst-plugin/stream_state.h"

namespace reddiff {

// What one frame asks for beside the settings; see FrameOptions.
struct FrameNeeds {
  const guint8* known;
  int most_calls;
  double least_noise;
  const JpegTables* jpeg;
  DamageWatch::Seen damage;
  FieldPass pass = {};
};

class Session {
 public:
  // `made` is called with the settings of a new Restorer before that is taken; where it throws it is not.
  explicit Session(std::function<void(const Config&)> made) : made_(std::move(made)) {}

  // Any thread. Both causes end with stop().
  AbortCauses& abort() { return abort_; }
  void request_reset(ResetCause cause);  // of several before one frame the first is kept

  // The rest: streaming thread, or start() and stop() while that does not run. Throws Error where something is made or run.

  // Another Restorer, without a past; where that throws the one before stays as it is.
  void make(const InForce& force);
  void stop();
  bool has_past() const { return has_past_; }
  std::string description() const { return restorer_->description(); }

  // Before each frame: forgets the past if anyone has asked for that, and says why.
  ResetCause forget();

  FrameReport process(const InForce& force, const GstVideoFilter* video, GstBuffer* inbuf, GstBuffer* outbuf,
                      const FrameNeeds& needs, DeviceMemory& memory);

 private:
  FrameReport solve(const InForce& force, const Reach& from, const Reach& to, const FrameNeeds& needs,
                    DeviceMemory& memory);

  const std::function<void(const Config&)> made_;
  AbortCauses abort_;
  std::atomic<ResetCause> pending_{ResetCause::none};
  std::unique_ptr<Restorer> restorer_;
  bool has_past_ = false;
};

}  // namespace reddiff
