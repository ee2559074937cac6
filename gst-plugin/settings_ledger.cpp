// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/settings_ledger.h"

#include <utility>

#include "core/api/error.h"
#include "core/api/files.h"
#include "core/api/plan.h"
#include "gst-plugin/frame_memory.h"

namespace reddiff {
namespace {

bool fits(const Demands& demands, const GstVideoInfo& in, const GstVideoInfo& out) {
  return GST_VIDEO_INFO_WIDTH(&out) == GST_VIDEO_INFO_WIDTH(&in) * demands.scale &&
         GST_VIDEO_INFO_HEIGHT(&out) == GST_VIDEO_INFO_HEIGHT(&in) * demands.scale &&
         (!demands.alpha_is_mask || carries_alpha(in));
}

}  // namespace

void SettingsLedger::edited(Effect effect) {
  dirty_ = true;
  if (effect == Effect::rebuild) rebuild_ = true;
}

void SettingsLedger::take_demands() {
  try {
    const int scale = resolve_scale(settled_);
    const MaskSource mask = resolve_mask(settled_);
    asked_ = {scale,
              mask == MaskSource::alpha,
              mask != MaskSource::none,
              resolve_problem(settled_) == ProblemKind::denoise && !only_makes_frames(settled_),
              makes_frames_of_fields(settled_),
              only_makes_frames(settled_),
              settled_.fields};
  } catch (const Error&) {
  }
}

SettingsLedger::Renegotiation SettingsLedger::settle() {
  if (!dirty_) return {};
  settled_ = set_;
  dirty_ = false;
  if (!std::exchange(rebuild_, false)) return {};
  const Demands before = asked_;
  ++version_;
  take_demands();
  const bool resized = asked_.scale != before.scale || asked_.doubles_rate() != before.doubles_rate();
  return {resized, resized || asked_.alpha_is_mask != before.alpha_is_mask};
}

FrameSettings SettingsLedger::frame() const {
  const double compared = settled_.compare == Compare::split ? settled_.compare_position : 0;
  return {
      settled_.strength,   settled_.chroma_strength, settled_.noise,   settled_.noise_max, compared,
      settled_.grain,      settled_.overlay,         settled_.conceal, settled_.max_gap,   settled_.processing_deadline,
      settled_.qos_policy, settled_.post_messages};
}

// The settled settings, but for those that are fixed from start() to stop().
Config SettingsLedger::wanted() const {
  Config config = settled_;
  if (active_) {
    config.device = active_->device;
    config.prior = active_->prior;
    config.allow_code = active_->allow_code;
    config.precision = active_->precision;
  }
  config.prior = expand_home(config.prior);
  config.mask_location = expand_home(config.mask_location);
  return config;
}

InForce SettingsLedger::start() {
  stop();
  settle();
  take_demands();  // a refusal may have left those of the settings before
  InForce force;
  force.config = wanted();
  force.remake = true;
  force.demands = asked_;
  force.frame = frame();
  force.version = version_;
  return force;
}

void SettingsLedger::stop() {
  active_.reset();
  active_demands_ = {};
  live_ = stale_ = false;
  refused_.reset();
  failed_.reset();
  told_.reset();
}

void SettingsLedger::set_live(bool live) {
  if (live == live_ || !active_) return;
  live_ = live;
  stale_ = active_->preset == Preset::automatic;
}

InForce SettingsLedger::in_force(const GstVideoInfo& in, const GstVideoInfo& out) const {
  InForce force;
  force.config = active_.value_or(Config{});
  force.live = live_;
  force.demands = active_demands_;
  force.frame = frame();
  force.version = version_;
  force.failed = failed_ == version_;
  force.fits = active_ && fits(active_demands_, in, out);
  force.lacks_alpha = asked_.alpha_is_mask && !carries_alpha(in) && told_ != version_;
  return force;
}

InForce SettingsLedger::next(const GstVideoInfo& in, const GstVideoInfo& out) {
  InForce force = in_force(in, out);
  if ((version_ == active_version_ && !stale_) || refused_ == version_ || !active_ || !fits(asked_, in, out))
    return force;
  Config config = wanted(), same = config;
  same.noise = active_->noise;  // these two come with every frame
  same.strength = active_->strength;
  if (same == *active_ && !stale_) {  // what was set is what it was
    active_version_ = version_;
    return force;
  }
  force.config = std::move(config);
  force.remake = true;
  force.demands = asked_;
  force.fits = true;
  return force;
}

void SettingsLedger::made(const InForce& force) {
  active_ = force.config;
  active_demands_ = force.demands;
  active_version_ = force.version;
  stale_ = false;
}

InForce SettingsLedger::refuse(const InForce& force, const GstVideoInfo& in, const GstVideoInfo& out) {
  refused_ = force.version;
  if (version_ == force.version) asked_ = active_demands_;
  return in_force(in, out);
}

}  // namespace reddiff
