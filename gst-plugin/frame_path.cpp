// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/frame_path.h"

#include <utility>

#include "gst-plugin/bitstream_meta.h"
#include "gst-plugin/debug.h"
#include "gst-plugin/takeover.h"

namespace reddiff {
namespace {

void account(GstVideoFilter* filter, ElementState& state, const FrameReport& report, const FrameNotes& notes,
             ResetCause reset, const GstBuffer* buffer, bool post) {
  GST_LOG_OBJECT(filter, "%d calls of the prior in %.1f ms%s", report.prior_calls, report.ms.total,
                 report.cut ? ", cut" : "");
  if (reset != ResetCause::none) GST_INFO_OBJECT(filter, "forgot the past: %s", reset_cause_name(reset));
  GstStructure* stats = nullptr;
  {
    const ObjectLock lock(filter);
    state.statistics.frame_out(report, notes);
    state.statistics.reset_done(reset);
    if (post) stats = state.statistics.to_structure();
  }
  if (stats) {
    gst_structure_set(stats, "timestamp", GST_TYPE_CLOCK_TIME, GST_BUFFER_PTS(buffer), nullptr);
    gst_element_post_message(GST_ELEMENT(filter), gst_message_new_element(GST_OBJECT(filter), stats));
  }
  if (reset == ResetCause::stream) state.hints = {};
}

// Where the level that was used comes from.
const char* noise_source(const FrameReport& report, const InForce& force, const CompressionNoise& compression) {
  if (force.frame.noise >= 0) return "set";
  if (report.coded_share > 0) return "compression-tables";
  return report.noise_is_least ? compression.from : "estimate";
}

void warn(GstVideoFilter* filter, ElementState& state, const FrameReport& report) {
  if (report.not_finite && !state.warned) {
    state.warned = true;
    GST_ELEMENT_WARNING(
        filter, STREAM, FAILED,
        ("The solver did not converge: such frames are plainly resampled. Lower learning-rate or prior-weight."),
        ("further frames are counted in stats, field not-finite"));
  }
  if (state.hints.none_known.on_frame(report.none_known, filter->in_info))
    GST_ELEMENT_WARNING(filter, LIBRARY, SETTINGS,
                        ("The mask has left no pixel known for a second: make it white (98 %% at least) and opaque "
                         "where the picture is to stay."),
                        ("what is shown is made up"));
}

// gst-launch-1.0 shows the debug text of an INFO message alone.
constexpr const char* no_noise =
    "No noise was found in a second of this video, so its frames pass untouched; if it looks noisy, set noise to about "
    "10.";

void hint_at_noise(GstVideoFilter* filter, Hints& hints, const FrameReport& report, const InForce& force) {
  const NoiseFound found = noise_found(report, force, filter->in_info);
  if (hints.no_noise.on_frame(found == NoiseFound::none, filter->in_info))
    GST_ELEMENT_INFO(filter, LIBRARY, SETTINGS, ("%s", no_noise), ("%s", no_noise));
  if (hints.most_noise.on_frame(found == NoiseFound::most, filter->in_info))
    GST_ELEMENT_WARNING(filter, LIBRARY, SETTINGS,
                        ("The estimated noise has stood at the most that is allowed, noise-max=%g, for a second: set "
                         "noise to what the picture shows (about 10 is usual), or another noise-max.",
                         force.frame.noise_max),
                        ("noise=-1 estimates the level of each frame"));
}

constexpr const char* telecine =
    "Some frames of this video ask for one of their fields to be shown twice, as films do that were made television: "
    "they are left as they are.";

void start_turn(GstVideoFilter* filter, ElementState& state, const GstBuffer* input) {
  FieldTurns& fields = state.fields;
  const Demands demands = asked(filter, state);
  const bool takes = demands.takes_fields && !gst_base_transform_is_passthrough(GST_BASE_TRANSFORM(filter));
  fields.turn = 0;
  fields.fields = demands.fields;
  fields.order =
      takes ? field_order(filter->in_info, input, GST_BASE_TRANSFORM(filter)->segment.rate < 0) : FieldOrder{};
  if (!fields.order.repeats || fields.told_of_telecine) return;
  fields.told_of_telecine = true;
  GST_ELEMENT_INFO(filter, STREAM, FORMAT, ("%s", telecine), ("%s", telecine));
}

// Frames are remembered for those after them only where they may be damaged, and a past is wanted.
DamageWatch::Seen watched(ElementState& state, const InForce& force, const GstVideoInfo& info, GstBuffer* buffer) {
  const auto seen = state.damage.of_frame(info, buffer);
  if (!force.frame.conceal || force.config.temporal == Temporal::none) return {};
  return seen;
}

}  // namespace

Demands asked(GstVideoFilter* filter, ElementState& state) {
  const ObjectLock lock(filter);
  return state.ledger.asked();
}

GstFlowReturn generate(GstVideoFilter* filter, ElementState& state, const Generate& parent, GstBuffer** output) {
  auto* trans = GST_BASE_TRANSFORM(filter);
  FieldTurns& fields = state.fields;
  if (trans->queued_buf) {
    fields.drop_pending();
    start_turn(filter, state, trans->queued_buf);
  } else if (fields.pending) {
    trans->queued_buf = std::exchange(fields.pending, nullptr);
    fields.turn = 1;
  } else {
    return parent(trans, output);
  }
  GstBuffer* const input = gst_buffer_ref(trans->queued_buf);
  const GstFlowReturn flow = parent(trans, output);
  if (flow == GST_FLOW_OK && *output && *output != input && fields.order.interlaced) {
    const int moment = trans->segment.rate < 0 ? 1 - fields.turn : fields.turn;
    stamp(*output, input, filter->in_info, fields.frames(), moment);
  }
  if (flow == GST_FLOW_OK && fields.turn + 1 < fields.frames())
    fields.pending = input;
  else
    gst_buffer_unref(input);
  return flow;
}

bool update_passthrough(GstVideoFilter* filter, ElementState& state, const GstVideoInfo& in, const GstVideoInfo& out) {
  const bool one_size = GST_VIDEO_INFO_WIDTH(&in) == GST_VIDEO_INFO_WIDTH(&out) &&
                        GST_VIDEO_INFO_HEIGHT(&in) == GST_VIDEO_INFO_HEIGHT(&out);
  const bool controlled = gst_object_has_active_control_bindings(GST_OBJECT(filter));
  bool neutral = false;
  {
    const ObjectLock lock(filter);
    const Demands& asked = state.ledger.asked();
    const bool has_fields = asked.takes_fields && interleaves_fields(in);
    const bool is_off = asked.only_fields || (!controlled && state.ledger.frame().strength == 0);
    neutral = one_size && asked.scale == 1 && !asked.masked && is_off && !has_fields;
  }
  if (!state.passthrough.set(neutral)) return false;
  if (!neutral) state.session.request_reset(ResetCause::settings);
  state.timing.on_passthrough();
  return true;
}

GstFlowReturn receive(GstVideoFilter* filter, ElementState& state, GstBuffer*& input) {
  const bool takes_fields = asked(filter, state).takes_fields;
  if (state.interlaced.refuses(GST_ELEMENT(filter), input, takes_fields) ||
      (filter->negotiated && state.interlaced.refuses(GST_ELEMENT(filter), filter->in_info, takes_fields)))
    return GST_FLOW_NOT_NEGOTIATED;
  state.session.request_reset(state.stream.on_buffer(input, frame_settings(GST_ELEMENT(filter), state).max_gap));
  if (update_passthrough(filter, state, filter->in_info, filter->out_info)) {
    gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(filter));
    gst_base_transform_reconfigure_sink(GST_BASE_TRANSFORM(filter));
  }
  if (filter->negotiated) input = state.passthrough.straighten(filter->in_info, input);
  return GST_FLOW_OK;
}

GstFlowReturn restore_frame(GstVideoFilter* filter, ElementState& state, InForce& force, GstBuffer* inbuf,
                            GstBuffer* outbuf) {
  const bool live = state.timing.ask_if_live_again();
  {
    const ObjectLock lock(filter);
    state.ledger.set_live(live);
    force = state.ledger.next(filter->in_info, filter->out_info);
  }
  if (force.failed) return GST_FLOW_ERROR;
  const Allowance allowance = state.timing.allow(inbuf, force.frame.qos_policy, state.fields.frames());
  if (allowance.drop) return GST_BASE_TRANSFORM_FLOW_DROPPED;
  const gint64 before = g_get_monotonic_time();
  take_over(filter, state.ledger, state.session, force);
  tell_of_old_names(GST_ELEMENT(filter), force.config, state.told_of_old_names);
  const ResetCause reset = state.session.forget();
  check_alpha(filter, state.ledger, force);
  if (!force.fits) {
    gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(filter));
    state.timing.on_unfit_frame();
    return GST_BASE_TRANSFORM_FLOW_DROPPED;
  }
  const CompressionNoise compression = state.compression.of_frame(filter->in_info, inbuf);
  JpegTables tables;
  const bool has_tables = read_jpeg_tables(inbuf, tables);
  FrameNeeds needs{state.mask.for_frame(GST_ELEMENT(filter), force.config, filter->in_info, inbuf), allowance.calls,
                   compression.level, has_tables ? &tables : nullptr, watched(state, force, filter->in_info, inbuf)};
  FrameReport report;
  for (const FieldPass& pass : state.fields.passes()) {
    needs.pass = pass;
    const FrameReport of_pass = state.session.process(force, filter, inbuf, outbuf, needs, state.memory);
    if (pass.shown) report = of_pass;
  }
  // Who named a level has said nothing of what a codec left.
  const bool heeded = compression.level > 0 && force.frame.noise < 0 && !force.demands.only_fields;
  if (heeded && report.prior_calls > 0) say_restored(outbuf);
  account(filter, state, report, {allowance.calls >= 0, noise_source(report, force, compression), compression.level},
          reset, inbuf, force.frame.post_messages);
  warn(filter, state, report);
  if (allowance.calls != 0) hint_at_noise(filter, state.hints, report, force);
  state.timing.on_frame(report, (g_get_monotonic_time() - before) * GST_USECOND, force.frame.processing_deadline);
  return GST_FLOW_OK;
}

}  // namespace reddiff
