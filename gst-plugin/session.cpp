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
                             const FrameNeeds& needs, DeviceMemory& memory) {
  check_not_forked();
  const int device = restorer_->cuda_device();
  const Reach from = memory.reach_to_read(video->in_info, inbuf, device);
  const Reach to = memory.reach_to_write(video->out_info, outbuf, device);
  const FrameReport report = solve(force, from, to, needs, memory);
  if (needs.pass.shown) memory.deliver(to, outbuf);
  return report;
}

FrameReport Session::solve(const InForce& force, const Reach& from, const Reach& to, const FrameNeeds& needs,
                           DeviceMemory& memory) {
  if (to.device_index < 0 && needs.pass.shown) clear_buffer(to.info, to.buffer);
  const MappedFrame in(from.info, from.buffer, GST_MAP_READ, from.device_index);
  const MappedFrame out(to.info, to.buffer, GST_MAP_WRITE, to.device_index);
  has_past_ = true;
  FrameOptions options;
  options.strength = force.frame.strength;
  options.chroma_strength = force.frame.chroma_strength;
  options.compared = force.frame.compared;
  options.grain = force.frame.grain;
  options.overlay = force.frame.overlay;
  options.noise = force.frame.noise;
  options.least_noise = needs.least_noise;
  options.jpeg = needs.jpeg;
  options.damage = needs.damage.damage;
  options.steps = needs.damage.steps;
  options.most_noise = force.frame.noise_max;
  options.known = needs.known;
  options.most_calls = needs.most_calls;
  options.lines = needs.pass.lines;
  options.shown = needs.pass.shown;
  options.abort = &abort_.flag();
  FrameView seen = in.view(), shown = out.view();
  seen.stream = memory.stream_of(from);
  shown.stream = memory.stream_of(to);
  const DeviceMemory::Entered entered(memory, from, to);
  return restorer_->process(seen, shown, options);
}

}  // namespace reddiff
