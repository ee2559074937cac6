// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which settings are in force. Properties are set at any time, some make sense only together, some ask for a size of video that is
// not negotiated yet, and some turn out to be wrong when a Restorer is made of them; frames come all the while. So:
//
//   set:      what properties hold                                   edit()
//   settled:  what was set together, taken over together             settle(); frames see these options at once
//   asked:    what caps are negotiated by: of the last settings that had a meaning
//   active:   what the Restorer was made from                        made()
//   refused:  settled, but no Restorer can be made of them: active stays, and caps are asked for as before     refuse()
//
// A frame takes one InForce from next(). Settings become active once the negotiated video fits them, and until then the ones before
// serve. `device`, `prior`, `allow-code` and `precision` stay as they were at start(). Pure; the element's object lock guards it.
#pragma once

#include <gst/video/video.h>

#include <optional>

#include "gst-plugin/properties.h"

namespace reddiff {

// What settings ask of the video.
struct Demands {
  int scale = 1;                // output size = input size x this
  bool alpha_is_mask = false;   // formats with alpha
  bool masked = false;          // pixels are missing, whoever says which
  bool denoises = true;         // and nothing else
  bool takes_fields = false;    // frames are made of interlaced ones
  bool only_fields = false;     // and nothing else is done
  Fields fields = Fields::all;  // for which there are frames
  bool doubles_rate() const { return takes_fields && fields == Fields::all; }
};

// What needs no other Restorer.
struct FrameSettings {
  double strength = 1, chroma_strength = 1, noise = -1, noise_max = 255;
  double compared = 0;  // as FrameOptions::compared
  double grain = 0;     // as FrameOptions::grain
  unsigned overlay = 0;
  bool conceal = true;
  GstClockTime max_gap = 0, processing_deadline = 0;
  QosPolicy qos_policy = QosPolicy::degrade;
  bool post_messages = false;
};

// Everything that settings say of one frame.
struct InForce {
  Config config;             // what its Restorer is made from
  bool remake = false;       // and none is yet: make one, then made(), or refuse()
  bool live = false;         // the source is: `preset=auto` depends on it
  Demands demands;           // of `config`
  FrameSettings frame;       // of what was settled last
  guint64 version = 0;       // counts the changes that ask for another Restorer
  bool failed = false;       // a frame with these settings has failed: say no more until something changes
  bool fits = false;         // the negotiated video has the size and format that the demands ask for
  bool lacks_alpha = false;  // alpha is asked for as the mask, this video has none, and that was not told
};

class SettingsLedger {
 public:
  // Which sides have to negotiate again.
  struct Renegotiation {
    bool src = false, sink = false;
  };

  // For setting one property; then `effect` says what that property asks for.
  Settings& edit() { return set_; }
  void edited(Effect effect);
  const Settings& set() const { return set_; }

  // What was set since the last time belongs together. Settings without a meaning leave `asked` as it is: that no Restorer can be made of
  // them is said later.
  Renegotiation settle();

  const Demands& asked() const { return asked_; }
  // Whether the alpha channel is taken for the mask now.
  bool masks_by_alpha() const { return active_demands_.alpha_is_mask; }
  FrameSettings frame() const;
  // What the Restorer works on, or the next start's will.
  const std::string& device() const { return active_ ? active_->device : set_.device; }

  // All settings, those that wait for a start too. Make a Restorer, then made().
  InForce start();
  void stop();

  // Until this is called the source is taken not to be live.
  void set_live(bool live);

  // For the next frame of the negotiated video.
  InForce next(const GstVideoInfo& in, const GstVideoInfo& out);

  // A Restorer was made of these, or could not be: then what serves instead.
  void made(const InForce& force);
  InForce refuse(const InForce& force, const GstVideoInfo& in, const GstVideoInfo& out);

  // A frame has failed, or there is another chance: other video, a flush.
  void on_failure(const InForce& force) { failed_ = force.version; }
  void forgive() { failed_.reset(); }

  // That alpha cannot be had was said.
  void told_of_alpha(const InForce& force) { told_ = force.version; }

 private:
  Config wanted() const;
  InForce in_force(const GstVideoInfo& in, const GstVideoInfo& out) const;
  void take_demands();

  Settings set_, settled_;
  bool dirty_ = false;    // set, and not settled
  bool rebuild_ = false;  // some of that asks for another Restorer
  guint64 version_ = 0;   // of settled_
  Demands asked_;
  std::optional<Config> active_;
  Demands active_demands_;
  guint64 active_version_ = 0;
  bool live_ = false;
  bool stale_ = false;  // the Restorer was made for a source that is not live, and it is
  std::optional<guint64> refused_, failed_, told_;
};

}  // namespace reddiff
