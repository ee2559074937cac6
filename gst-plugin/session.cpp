// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/session.h"

#include "core/api/plan.h"
#include "gst-plugin/frame_io.h"
#include "gst-plugin/module_loader.h"

namespace reddiff {
namespace {

bool fits_video(const GstVideoFilter* video, int scale, bool alpha_is_mask) {
  const GstVideoInfo &in = video->in_info, &out = video->out_info;
  return GST_VIDEO_INFO_WIDTH(&out) == GST_VIDEO_INFO_WIDTH(&in) * scale &&
         GST_VIDEO_INFO_HEIGHT(&out) == GST_VIDEO_INFO_HEIGHT(&in) * scale && (!alpha_is_mask || carries_alpha(in));
}

}  // namespace

Snapshot::Renegotiation Snapshot::settle() {
  const int scale_before = scale;
  const bool alpha_before = alpha_is_mask;
  ++version;
  try {
    const int asked = resolve_scale(settings);
    const MaskSource mask = resolve_mask(settings);
    scale = asked;
    alpha_is_mask = mask == MaskSource::alpha;
    masked = mask != MaskSource::none;
  } catch (const Error&) {
  }
  const bool resized = scale != scale_before;
  return {resized, resized || alpha_is_mask != alpha_before};
}

void Session::request_reset(ResetCause cause) {
  ResetCause expected = ResetCause::none;
  if (cause != ResetCause::none) pending_.compare_exchange_strong(expected, cause);
}

void Session::set_abort(Abort cause, bool on) {
  const std::lock_guard lock(mutex_);
  const auto bit = static_cast<unsigned>(cause);
  causes_ = on ? causes_ | bit : causes_ & ~bit;
  abort_ = causes_ != 0;
}

void Session::start(const Snapshot& snapshot) {
  stop();
  build(snapshot);
}

void Session::stop() {
  restorer_.reset();
  pending_ = ResetCause::none;
  active_alpha_is_mask_ = false;
  set_abort(Abort::flush, false);
  set_abort(Abort::stop, false);
  live_ = stale_ = has_past_ = false;
  refusal_.reset();
  refused_version_.reset();
}

void Session::set_live(bool live) {
  if (live == live_) return;
  live_ = live;
  stale_ = active_.preset == Preset::automatic;
}

Config Session::settled(const Snapshot& snapshot) const {
  Config config = snapshot.settings;
  if (!restorer_) return config;
  config.device = active_.device;
  config.prior = active_.prior;
  config.precision = active_.precision;
  return config;
}

void Session::build(const Snapshot& snapshot) {
  const Config config = settled(snapshot);
  PlanBook(config, live_);  // wrong settings are reported even where there is no torch module
  const LoadedModule& module = load_module();
  // The old one lives until the new one has its weights: both share them.
  auto made = module.table->make_restorer(config, live_, module.folder);
  made_(config);
  restorer_ = std::move(made);
  active_ = config;
  active_version_ = snapshot.version;
  active_scale_ = snapshot.scale;
  active_alpha_is_mask_ = snapshot.alpha_is_mask;
  stale_ = has_past_ = false;
}

void Session::adopt(const Snapshot& snapshot, const GstVideoFilter* video) {
  if ((snapshot.version == active_version_ && !stale_) || snapshot.version == refused_version_) return;
  if (!fits_video(video, snapshot.scale, snapshot.alpha_is_mask)) return;
  Config config = settled(snapshot);
  config.noise = active_.noise;  // these two come with every frame
  config.strength = active_.strength;
  if (config == active_ && !stale_) {  // what was set is what it was
    active_version_ = snapshot.version;
    return;
  }
  const bool had_past = has_past_;
  try {
    build(snapshot);
    if (had_past) request_reset(ResetCause::settings);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::aborted) throw;
    std::string text = error.what();
    if (text.ends_with('.')) text.pop_back();
    refusal_.emplace(error.code(), text + "; until then the settings before stay", error.detail());
    refused_version_ = snapshot.version;
  }
}

void Session::revert(Snapshot& snapshot) const {
  snapshot.scale = active_scale_;
  snapshot.alpha_is_mask = active_alpha_is_mask_;
  snapshot.masked = resolve_mask(active_) != MaskSource::none;
}

bool Session::fits(const GstVideoFilter* video) const {
  return fits_video(video, active_scale_, active_alpha_is_mask_);
}

ResetCause Session::prepare(const Snapshot& snapshot, const GstVideoFilter* video) {
  const bool had_past = has_past_;
  adopt(snapshot, video);
  const ResetCause pending = pending_.exchange(ResetCause::none);
  const ResetCause reset = had_past ? pending : ResetCause::none;
  if (reset != ResetCause::none) restorer_->reset();
  return reset;
}

FrameReport Session::process(const Snapshot& snapshot, const GstVideoFilter* video, GstBuffer* inbuf, GstBuffer* outbuf,
                             const FrameNeeds& needs) {
  clear_buffer(video->out_info, outbuf);
  const MappedFrame in(video->in_info, inbuf, GST_MAP_READ);
  const MappedFrame out(video->out_info, outbuf, GST_MAP_WRITE);
  has_past_ = true;
  FrameOptions options;
  options.strength = snapshot.settings.strength;
  options.noise = snapshot.settings.noise;
  options.least_noise = needs.least_noise;
  options.known = needs.known;
  options.most_calls = needs.most_calls;
  options.abort = &abort_;
  return restorer_->process(in.view(), out.view(), options);
}

}  // namespace reddiff
