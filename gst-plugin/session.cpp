// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/session.h"

#include "core/api/plan.h"
#include "gst-plugin/frame_memory.h"
#include "gst-plugin/module_loader.h"

namespace reddiff {

void Session::request_reset(ResetCause cause) {
  ResetCause expected = ResetCause::none;
  if (cause != ResetCause::none) pending_.compare_exchange_strong(expected, cause);
}

void Session::make(const InForce& force) {
  PlanBook(force.config, force.live);  // wrong settings are reported even where there is no torch module
  const LoadedModule& module = load_module();
  // The old one lives until the new one has its weights: both share them.
  auto made = module.table->make_restorer(force.config, force.live, module.folder);
  made_(force.config);
  restorer_ = std::move(made);
  if (has_past_) request_reset(ResetCause::settings);
}

void Session::stop() {
  restorer_.reset();
  pending_ = ResetCause::none;
  abort_.clear();
  has_past_ = false;
}

ResetCause Session::forget() {
  const ResetCause cause = pending_.exchange(ResetCause::none);
  if (cause == ResetCause::none || !has_past_) return ResetCause::none;
  restorer_->reset();
  has_past_ = false;
  return cause;
}

FrameReport Session::process(const InForce& force, const GstVideoFilter* video, GstBuffer* inbuf, GstBuffer* outbuf,
                             const FrameNeeds& needs) {
  check_not_forked();
  clear_buffer(video->out_info, outbuf);
  const MappedFrame in(video->in_info, inbuf, GST_MAP_READ);
  const MappedFrame out(video->out_info, outbuf, GST_MAP_WRITE);
  has_past_ = true;
  FrameOptions options;
  options.strength = force.frame.strength;
  options.chroma_strength = force.frame.chroma_strength;
  options.noise = force.frame.noise;
  options.least_noise = needs.least_noise;
  options.most_noise = force.frame.noise_max;
  options.known = needs.known;
  options.most_calls = needs.most_calls;
  options.abort = &abort_.flag();
  return restorer_->process(in.view(), out.view(), options);
}

}  // namespace reddiff
