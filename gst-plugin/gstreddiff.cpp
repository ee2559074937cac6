// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-reddiff
 * @title: reddiff
 * @see_also: reddiffdegrade
 *
 * Restores video: removes noise, enlarges, deblurs, fills holes. Each frame is taken as a degraded measurement of a clean
 * one; RED-Diff (arXiv 2305.04391) looks for the clean frame that explains it and that a denoising network finds likely.
 *
 * #GstReddiff:task says what is to be undone, #GstReddiff:operator says it exactly, #GstReddiff:mask-source which pixels are
 * missing. Frames leave with the timestamps, format, pixel aspect ratio and frame rate they came with;
 * #GstReddiff:scale multiplies the size. Interlaced video is refused: put deinterlace in front.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=noisy.mp4 ! decodebin ! videoconvert ! reddiff noise=15 ! videoconvert ! autovideosink
 * ]| Removes noise of a standard deviation of 15 code values.
 * |[
 * gst-launch-1.0 videotestsrc ! reddiffdegrade operator=bicubic:factor=2 ! reddiff task=super-resolution prior=dct ! videoconvert ! autovideosink
 * ]| Halves the size of a test picture and restores it.
 */
#include "gst-plugin/gstreddiff.h"

#include <utility>

#include "gst-plugin/alpha_mask.h"
#include "gst-plugin/caps.h"
#include "gst-plugin/compression.h"
#include "gst-plugin/debug.h"
#include "gst-plugin/error_map.h"
#include "gst-plugin/interlaced.h"
#include "gst-plugin/mask.h"
#include "gst-plugin/meta.h"
#include "gst-plugin/passthrough.h"
#include "gst-plugin/presets.h"
#include "gst-plugin/refusal.h"
#include "gst-plugin/session.h"
#include "gst-plugin/statistics.h"
#include "gst-plugin/timing.h"

namespace {

using reddiff::ResetCause;
using reddiff::Session;
using reddiff::Snapshot;

struct Private {
  explicit Private(GstBaseTransform* trans) : timing(trans, statistics), passthrough(trans) {}

  // Any thread, under the object lock.
  Snapshot wanted;
  bool changed = false;  // the settings were, and ask for another Restorer; its version was not counted yet
  reddiff::Statistics statistics;
  reddiff::Timing timing;
  // Streaming thread; start() and stop() while that does not run.
  Session session{[this](const auto& config) { mask.load(config, session.abort()); }};
  reddiff::Mask mask;
  reddiff::AlphaMask alpha_mask;
  reddiff::Passthrough passthrough;
  reddiff::Compression compression;
  reddiff::StreamState stream;
  reddiff::InterlacedGuard interlaced;
  bool failed = false;  // an error was posted: say no more until something changes
  guint64 failed_version = 0;
  bool warned = false;  // of frames that were not finite
};

}  // namespace

struct _GstReddiff {
  GstVideoFilter parent;
  Private* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstReddiff, gst_reddiff, GST_TYPE_VIDEO_FILTER,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, reddiff::add_own_presets))
GST_ELEMENT_REGISTER_DEFINE(reddiff, "reddiff", GST_RANK_NONE, GST_TYPE_REDDIFF)

#define parent_transform_class GST_BASE_TRANSFORM_CLASS(gst_reddiff_parent_class)

static guint stats_id;

static Snapshot wanted(GstReddiff* self) {
  GST_OBJECT_LOCK(self);
  Snapshot snapshot = self->priv->wanted;
  GST_OBJECT_UNLOCK(self);
  return snapshot;
}

// Properties

static void gst_reddiff_set_property(GObject* object, guint id, const GValue* value, GParamSpec* pspec) {
  auto* self = GST_REDDIFF(object);
  GST_OBJECT_LOCK(self);
  if (reddiff::set_property(self->priv->wanted.settings, id, value) == reddiff::Effect::rebuild)
    self->priv->changed = true;
  GST_OBJECT_UNLOCK(self);
}

// After all properties of one g_object_set: what belongs together is taken over together.
static void gst_reddiff_dispatch_properties_changed(GObject* object, guint count, GParamSpec** specs) {
  auto* self = GST_REDDIFF(object);
  Snapshot::Renegotiation again{};
  GST_OBJECT_LOCK(self);
  if (std::exchange(self->priv->changed, false)) again = self->priv->wanted.settle();
  GST_OBJECT_UNLOCK(self);
  if (again.src) gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(self));
  if (again.sink) gst_base_transform_reconfigure_sink(GST_BASE_TRANSFORM(self));
  G_OBJECT_CLASS(gst_reddiff_parent_class)->dispatch_properties_changed(object, count, specs);
}

static void gst_reddiff_get_property(GObject* object, guint id, GValue* value, GParamSpec* pspec) {
  auto* self = GST_REDDIFF(object);
  GST_OBJECT_LOCK(self);
  if (id == stats_id)
    g_value_take_boxed(value, self->priv->statistics.to_structure());
  else
    reddiff::get_property(self->priv->wanted.settings, id, value);
  GST_OBJECT_UNLOCK(self);
}

// Life cycle

static void post_progress(GstReddiff* self, GstProgressType type, const char* text) {
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_progress(GST_OBJECT(self), type, "load", text));
}

static void load(GstReddiff* self) {
  Private* priv = self->priv;
  const Snapshot snapshot = wanted(self);
  priv->session.start(snapshot);
  const std::string description = priv->session.description();
  GST_INFO_OBJECT(self, "restoring on %s", description.c_str());
  GST_OBJECT_LOCK(self);
  priv->statistics.clear();
  priv->statistics.set_device(description);
  GST_OBJECT_UNLOCK(self);
}

static gboolean gst_reddiff_start(GstBaseTransform* trans) {
  auto* self = GST_REDDIFF(trans);
  Private* priv = self->priv;
  priv->stream.clear();
  priv->interlaced.clear();
  priv->timing.start();
  priv->failed = priv->warned = false;
  post_progress(self, GST_PROGRESS_TYPE_START, "Loading the prior");
  const gboolean loaded = reddiff::guarded(GST_ELEMENT(self), FALSE, FALSE, [self] {
    load(self);
    return TRUE;
  });
  post_progress(self, loaded ? GST_PROGRESS_TYPE_COMPLETE : GST_PROGRESS_TYPE_ERROR,
                loaded ? "Loaded the prior" : "The prior was not loaded");
  return loaded;
}

static gboolean gst_reddiff_stop(GstBaseTransform* trans) {
  GST_REDDIFF(trans)->priv->session.stop();
  GST_REDDIFF(trans)->priv->mask.clear();
  return TRUE;
}

static GstStateChangeReturn gst_reddiff_change_state(GstElement* element, GstStateChange transition) {
  // The base class waits for a running solve when it deactivates the pads: let that end soon.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    GST_REDDIFF(element)->priv->session.set_abort(Session::Abort::stop, true);
  return GST_ELEMENT_CLASS(gst_reddiff_parent_class)->change_state(element, transition);
}

// Negotiation

static GstCaps* gst_reddiff_transform_caps(GstBaseTransform* trans, GstPadDirection direction, GstCaps* caps,
                                           GstCaps* filter) {
  const Snapshot snapshot = wanted(GST_REDDIFF(trans));
  const bool forward = direction == GST_PAD_SINK;
  GstCaps* result =
      reddiff::scale_caps(caps, forward ? snapshot.scale : 1, forward ? 1 : snapshot.scale, reddiff::Rounding::exact);
  if (forward) result = reddiff::make_progressive(result);
  // What upstream is to send; what it sent before it was asked still comes through.
  if (snapshot.alpha_is_mask && (!forward || GST_REDDIFF(trans)->priv->session.masks_by_alpha()))
    result = reddiff::keep_alpha_formats(result);
  if (!forward) result = reddiff::admit_interlaced(result);
  result = reddiff::within(result, filter);
  GST_DEBUG_OBJECT(trans, "%" GST_PTR_FORMAT " becomes %" GST_PTR_FORMAT, caps, result);
  return result;
}

static GstCaps* gst_reddiff_fixate_caps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps,
                                        GstCaps* othercaps) {
  return direction == GST_PAD_SINK ? reddiff::fixate_with_colour(othercaps, caps) : gst_caps_fixate(othercaps);
}

// Whether restoring would change nothing decides about passthrough. Returns whether that is new.
static bool update_passthrough(GstReddiff* self, const Snapshot& snapshot, const GstVideoInfo& in,
                               const GstVideoInfo& out) {
  const bool neutral = GST_VIDEO_INFO_WIDTH(&in) == GST_VIDEO_INFO_WIDTH(&out) && snapshot.scale == 1 &&
                       !snapshot.masked && snapshot.settings.strength == 0 &&
                       !gst_object_has_active_control_bindings(GST_OBJECT(self));
  if (!self->priv->passthrough.set(neutral)) return false;
  if (!neutral) self->priv->session.request_reset(ResetCause::settings);
  self->priv->timing.on_passthrough();
  return true;
}

static gboolean gst_reddiff_set_info(GstVideoFilter* filter, GstCaps* incaps, GstVideoInfo* in_info, GstCaps* outcaps,
                                     GstVideoInfo* out_info) {
  auto* self = GST_REDDIFF(filter);
  // Before the queries for allocation, whose answers depend on it.
  update_passthrough(self, wanted(self), *in_info, *out_info);
  self->priv->failed = false;
  // The base class calls this only for caps that differ from the last.
  if (self->priv->session.has_past()) self->priv->session.request_reset(ResetCause::caps);
  self->priv->session.set_live(self->priv->timing.ask_if_live());
  return TRUE;
}

// Events

static gboolean gst_reddiff_sink_event(GstBaseTransform* trans, GstEvent* event) {
  auto* self = GST_REDDIFF(trans);
  Private* priv = self->priv;
  if (priv->interlaced.refuses(GST_ELEMENT(self), event)) {
    gst_event_unref(event);
    return FALSE;
  }
  priv->session.request_reset(priv->stream.on_event(event, wanted(self).settings.max_gap));
  priv->compression.on_event(event);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_FLUSH_START:
      priv->session.set_abort(Session::Abort::flush, true);
      break;
    case GST_EVENT_FLUSH_STOP:
      priv->session.set_abort(Session::Abort::flush, false);
      priv->failed = false;
      [[fallthrough]];
    case GST_EVENT_SEGMENT:
      priv->timing.forget_lateness();
      break;
    default:
      break;
  }
  return parent_transform_class->sink_event(trans, event);
}

static gboolean gst_reddiff_src_event(GstBaseTransform* trans, GstEvent* event) {
  auto* self = GST_REDDIFF(trans);
  const Snapshot snapshot = wanted(self);
  if (GST_EVENT_TYPE(event) == GST_EVENT_QOS && self->priv->timing.take_qos(event, snapshot.settings.qos_policy))
    return TRUE;
  if (GST_EVENT_TYPE(event) == GST_EVENT_NAVIGATION) event = reddiff::reduce_coordinates(event, snapshot.scale);
  return parent_transform_class->src_event(trans, event);
}

static gboolean gst_reddiff_query(GstBaseTransform* trans, GstPadDirection direction, GstQuery* query) {
  if (!parent_transform_class->query(trans, direction, query)) return FALSE;
  auto* self = GST_REDDIFF(trans);
  if (direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
    self->priv->timing.add_latency(query, wanted(self).settings.processing_deadline);
  return TRUE;
}

static gboolean gst_reddiff_propose_allocation(GstBaseTransform* trans, GstQuery* decide_query, GstQuery* query) {
  GST_REDDIFF(trans)->priv->passthrough.on_allocation_query();
  return parent_transform_class->propose_allocation(trans, decide_query, query);
}

// Frames

static GstFlowReturn gst_reddiff_submit_input_buffer(GstBaseTransform* trans, gboolean is_discont, GstBuffer* input) {
  auto* self = GST_REDDIFF(trans);
  Private* priv = self->priv;
  const Snapshot snapshot = wanted(self);
  priv->session.request_reset(priv->stream.on_buffer(input, snapshot.settings.max_gap));
  const GstVideoFilter* video = GST_VIDEO_FILTER(self);
  if (update_passthrough(self, snapshot, video->in_info, video->out_info)) {
    gst_base_transform_reconfigure_src(trans);
    gst_base_transform_reconfigure_sink(trans);
  }
  if (video->negotiated) input = priv->passthrough.straighten(video->in_info, input);
  const GstFlowReturn flow = parent_transform_class->submit_input_buffer(trans, is_discont, input);
  GST_OBJECT_LOCK(self);
  priv->statistics.frame_in();
  if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED) priv->statistics.frame_dropped();  // qos-policy=drop
  GST_OBJECT_UNLOCK(self);
  return flow;
}

static void gst_reddiff_before_transform(GstBaseTransform* trans, GstBuffer* buffer) {
  if (trans->segment.format != GST_FORMAT_TIME) return;
  const GstClockTime time = gst_segment_to_stream_time(&trans->segment, GST_FORMAT_TIME, GST_BUFFER_TIMESTAMP(buffer));
  if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(trans), time);
}

static void account(GstReddiff* self, const reddiff::FrameReport& report, bool degraded, ResetCause reset,
                    const GstBuffer* buffer, bool post) {
  Private* priv = self->priv;
  GST_LOG_OBJECT(self, "%d calls of the prior in %.1f ms%s", report.prior_calls, report.ms.total,
                 report.cut ? ", cut" : "");
  if (reset != ResetCause::none) GST_INFO_OBJECT(self, "forgot the past: %s", reddiff::reset_cause_name(reset));
  GST_OBJECT_LOCK(self);
  priv->statistics.frame_out(report, degraded);
  priv->statistics.reset_done(reset);
  GstStructure* stats = post ? priv->statistics.to_structure() : nullptr;
  GST_OBJECT_UNLOCK(self);
  if (stats) {
    gst_structure_set(stats, "timestamp", GST_TYPE_CLOCK_TIME, GST_BUFFER_PTS(buffer), nullptr);
    gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), stats));
  }
  if (report.not_finite && !priv->warned) {
    priv->warned = true;
    GST_ELEMENT_WARNING(
        self, STREAM, FAILED,
        ("The solver did not converge: such frames are plainly resampled. Lower learning-rate or prior-weight."),
        ("further frames are counted in stats, field not-finite"));
  }
}

static GstFlowReturn restore_frame(GstReddiff* self, GstBuffer* inbuf, GstBuffer* outbuf) {
  Private* priv = self->priv;
  Snapshot snapshot = wanted(self);
  const reddiff::Allowance allowance = priv->timing.allow(inbuf, snapshot.settings.qos_policy);
  if (allowance.drop) return GST_BASE_TRANSFORM_FLOW_DROPPED;
  const gint64 before = g_get_monotonic_time();
  const GstVideoFilter* video = GST_VIDEO_FILTER(self);
  const ResetCause reset = priv->session.prepare(snapshot, video);
  reddiff::answer_refusal(GST_BASE_TRANSFORM(self), priv->session, priv->wanted, snapshot);
  const bool fits = priv->session.fits(video);
  priv->alpha_mask.check(GST_BASE_TRANSFORM(self), snapshot, video->in_info, fits);
  if (!fits) {
    gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(self));
    priv->timing.on_unfit_frame();
    return GST_BASE_TRANSFORM_FLOW_DROPPED;
  }
  const reddiff::FrameNeeds needs{
      priv->mask.for_frame(GST_ELEMENT(self), priv->session.active(), video->in_info, inbuf), allowance.calls,
      priv->compression.noise(video->in_info)};
  const reddiff::FrameReport report = priv->session.process(snapshot, video, inbuf, outbuf, needs);
  account(self, report, allowance.calls >= 0, reset, inbuf, snapshot.settings.post_messages);
  priv->timing.on_frame(report, (g_get_monotonic_time() - before) * GST_USECOND, snapshot.settings.processing_deadline);
  return GST_FLOW_OK;
}

static GstFlowReturn gst_reddiff_transform(GstBaseTransform* trans, GstBuffer* inbuf, GstBuffer* outbuf) {
  auto* self = GST_REDDIFF(trans);
  Private* priv = self->priv;
  if (!GST_VIDEO_FILTER(self)->negotiated) return GST_FLOW_NOT_NEGOTIATED;
  const guint64 version = wanted(self).version;
  if (priv->failed && version == priv->failed_version) return GST_FLOW_ERROR;
  const GstFlowReturn flow = reddiff::guarded(GST_ELEMENT(self), GST_FLOW_ERROR, GST_FLOW_FLUSHING,
                                              [&] { return restore_frame(self, inbuf, outbuf); });
  priv->failed = flow == GST_FLOW_ERROR;
  priv->failed_version = version;
  return flow;
}

static gboolean gst_reddiff_transform_meta(GstBaseTransform* trans, GstBuffer* outbuf, GstMeta* meta,
                                           GstBuffer* inbuf) {
  return reddiff::carry_meta(GST_VIDEO_FILTER(trans), outbuf, meta, inbuf);
}

// Class

static void gst_reddiff_init(GstReddiff* self) { self->priv = new Private(GST_BASE_TRANSFORM(self)); }

static void gst_reddiff_finalize(GObject* object) {
  delete GST_REDDIFF(object)->priv;
  G_OBJECT_CLASS(gst_reddiff_parent_class)->finalize(object);
}

static void gst_reddiff_class_init(GstReddiffClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  object_class->set_property = gst_reddiff_set_property;
  object_class->get_property = gst_reddiff_get_property;
  object_class->dispatch_properties_changed = gst_reddiff_dispatch_properties_changed;
  object_class->finalize = gst_reddiff_finalize;
  stats_id = reddiff::install_properties(object_class);
  gst_element_class_set_static_metadata(element_class, "RED-Diff video restoration", "Filter/Effect/Video",
                                        "Denoises, enlarges, deblurs and inpaints video with a diffusion prior",
                                        "The gst-reddiff authors");
  reddiff::add_pad_templates(element_class);
  element_class->change_state = gst_reddiff_change_state;
  transform_class->start = gst_reddiff_start;
  transform_class->stop = gst_reddiff_stop;
  transform_class->transform_caps = gst_reddiff_transform_caps;
  transform_class->fixate_caps = gst_reddiff_fixate_caps;
  transform_class->sink_event = gst_reddiff_sink_event;
  transform_class->src_event = gst_reddiff_src_event;
  transform_class->query = gst_reddiff_query;
  transform_class->propose_allocation = gst_reddiff_propose_allocation;
  transform_class->submit_input_buffer = gst_reddiff_submit_input_buffer;
  transform_class->before_transform = gst_reddiff_before_transform;
  transform_class->transform = gst_reddiff_transform;
  transform_class->transform_ip = nullptr;  // GstVideoFilter's would count as work in passthrough
  transform_class->transform_meta = gst_reddiff_transform_meta;
  transform_class->passthrough_on_same_caps = FALSE;
  GST_VIDEO_FILTER_CLASS(klass)->set_info = gst_reddiff_set_info;
}
