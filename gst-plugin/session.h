// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The Restorer between start() and stop(): when a new one is made, when it must forget. Knows the settings and the negotiated
// video, neither events nor messages.
#pragma once

#include <gst/video/gstvideofilter.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/api/error.h"
#include "core/api/restorer.h"
#include "gst-plugin/properties.h"
#include "gst-plugin/stream_state.h"

namespace reddiff {

// Settings with what caps negotiation needs of them.
struct Snapshot {
  Settings settings;
  guint64 version = 0;  // counts the changes that ask for another Restorer
  int scale = 1;        // this and the next two: of the last settings that had a meaning
  bool alpha_is_mask = false;
  bool masked = false;  // pixels are missing, whoever says which

  // Which sides have to negotiate again.
  struct Renegotiation {
    bool src, sink;
  };

  // After a change of settings. Those without a meaning keep the last values: that no Restorer can be made of them is said later.
  Renegotiation settle();
};

// What one frame asks for beside the settings; see FrameOptions.
struct FrameNeeds {
  const guint8* known;
  int most_calls;
  double least_noise;
};

class Session {
 public:
  // `made` is called with the settings of a new Restorer before that is taken; where it throws it is not.
  explicit Session(std::function<void(const Config&)> made) : made_(std::move(made)) {}

  // Any thread. Aborts while any cause of it lasts; both end with stop().
  enum class Abort : unsigned { flush = 1, stop = 2 };
  void set_abort(Abort cause, bool on);
  const std::atomic<bool>& abort() const { return abort_; }
  void request_reset(ResetCause cause);  // of several before one frame the first is kept

  // The rest: streaming thread, or start() and stop() while that does not run. Throws Error where something is made or run.
  void start(const Snapshot& snapshot);
  void stop();
  bool has_past() const { return has_past_; }
  std::string description() const { return restorer_->description(); }

  // `preset=auto` depends on whether the source is live; until this is called it is taken not to be.
  void set_live(bool live);

  // Before each frame: makes a new Restorer if the settings ask for one and the negotiated video fits them; if it does not fit, the
  // old one serves until the next negotiation, and if none can be made, until other settings. Returns why the past was forgotten.
  ResetCause prepare(const Snapshot& snapshot, const GstVideoFilter* video);

  // Why no Restorer could be made of the settings, once; and what caps negotiation needs, as it was before them.
  std::optional<Error> take_refusal() { return std::exchange(refusal_, std::nullopt); }
  void revert(Snapshot& snapshot) const;

  // Whether the Restorer fits the negotiated video. Of two changes, one before and one after a negotiation, neither may.
  bool fits(const GstVideoFilter* video) const;

  // Whether it takes the alpha channel for the mask. Any thread.
  bool masks_by_alpha() const { return active_alpha_is_mask_; }

  // What the Restorer was made from.
  const Config& active() const { return active_; }

  FrameReport process(const Snapshot& snapshot, const GstVideoFilter* video, GstBuffer* inbuf, GstBuffer* outbuf,
                      const FrameNeeds& needs);

 private:
  Config settled(const Snapshot& snapshot) const;  // the settings, but for those that are fixed from start() to stop()
  void build(const Snapshot& snapshot);
  void adopt(const Snapshot& snapshot, const GstVideoFilter* video);

  const std::function<void(const Config&)> made_;
  std::mutex mutex_;  // of the next line
  unsigned causes_ = 0;
  std::atomic<bool> abort_{false};
  std::atomic<ResetCause> pending_{ResetCause::none};
  std::unique_ptr<Restorer> restorer_;
  Config active_;  // what restorer_ was made from
  guint64 active_version_ = 0;
  int active_scale_ = 1;
  std::atomic<bool> active_alpha_is_mask_{false};
  bool live_ = false;
  bool stale_ = false;  // restorer_ was made for a source that is not live, and it is
  bool has_past_ = false;
  std::optional<Error> refusal_;
  std::optional<guint64> refused_version_;
};

}  // namespace reddiff
