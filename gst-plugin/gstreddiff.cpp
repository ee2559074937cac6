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
 * #GstReddiff:scale multiplies the size. Interlaced video is refused but with task=deinterlace, or #GstReddiff:deinterlace.
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

#include "gst-plugin/caps.h"
#include "gst-plugin/debug.h"
#include "gst-plugin/device_caps.h"
#include "gst-plugin/error_map.h"
#include "gst-plugin/frame_path.h"
#include "gst-plugin/interlaced.h"
#include "gst-plugin/meta.h"
#include "gst-plugin/object_lock.h"
#include "gst-plugin/presets.h"

using Private = reddiff::ElementState;
using reddiff::AbortCauses;
using reddiff::InForce;
using reddiff::ObjectLock;
using reddiff::ResetCause;

struct _GstReddiff {
  GstVideoFilter parent;
  Private* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstReddiff, gst_reddiff, GST_TYPE_VIDEO_FILTER,
                        G_IMPLEMENT_INTERFACE(GST_TYPE_PRESET, reddiff::add_own_presets))
GST_ELEMENT_REGISTER_DEFINE(reddiff, "reddiff", GST_RANK_NONE, GST_TYPE_REDDIFF)

#define parent_transform_class GST_BASE_TRANSFORM_CLASS(gst_reddiff_parent_class)

static guint stats_id;

static reddiff::FrameSettings frame_settings(GstReddiff* self) {
  return reddiff::frame_settings(GST_ELEMENT(self), *self->priv);
}

// Properties

static void gst_reddiff_set_property(GObject* object, guint id, const GValue* value, GParamSpec*) {
  reddiff::guarded(GST_ELEMENT(object), [&] {
    const ObjectLock lock(object);
    auto& ledger = GST_REDDIFF(object)->priv->ledger;
    ledger.edited(reddiff::set_property(ledger.edit(), id, value));
  });
}

// After all properties of one g_object_set: what belongs together is taken over together.
static void gst_reddiff_dispatch_properties_changed(GObject* object, guint count, GParamSpec** specs) {
  reddiff::SettingsLedger::Renegotiation again;
  reddiff::guarded(GST_ELEMENT(object), [&] {
    const ObjectLock lock(object);
    again = GST_REDDIFF(object)->priv->ledger.settle();
  });
  if (again.src) gst_base_transform_reconfigure_src(GST_BASE_TRANSFORM(object));
  if (again.sink) gst_base_transform_reconfigure_sink(GST_BASE_TRANSFORM(object));
  G_OBJECT_CLASS(gst_reddiff_parent_class)->dispatch_properties_changed(object, count, specs);
}

static void gst_reddiff_get_property(GObject* object, guint id, GValue* value, GParamSpec*) {
  Private* priv = GST_REDDIFF(object)->priv;
  reddiff::guarded(GST_ELEMENT(object), [&] {
    const ObjectLock lock(object);
    if (id == stats_id)
      g_value_take_boxed(value, priv->statistics.to_structure());
    else
      reddiff::get_property(priv->ledger.set(), id, value);
  });
}

// Life cycle

static void post_progress(GstReddiff* self, GstProgressType type, const char* text) {
  gst_element_post_message(GST_ELEMENT(self), gst_message_new_progress(GST_OBJECT(self), type, "load", text));
}

static void load(GstReddiff* self) {
  Private* priv = self->priv;
  InForce force;
  {
    const ObjectLock lock(self);
    force = priv->ledger.start();
  }
  priv->session.stop();
  priv->session.make(force);
  const std::string description = priv->session.description();
  GST_INFO_OBJECT(self, "restoring on %s", description.c_str());
  const ObjectLock lock(self);
  priv->ledger.made(force);
  priv->statistics.clear();
  priv->statistics.set_device(description);
}

static gboolean gst_reddiff_start(GstBaseTransform* trans) {
  auto* self = GST_REDDIFF(trans);
  Private* priv = self->priv;
  priv->stream.clear();
  priv->damage.clear();
  priv->interlaced.clear();
  priv->fields.told_of_telecine = false;
  priv->timing.start();
  priv->hints = {};
  priv->warned = priv->told_of_old_names = false;
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
  Private* priv = GST_REDDIFF(trans)->priv;
  priv->session.stop();
  priv->fields.drop_pending();
  priv->memory.clear();
  priv->mask.clear();
  const ObjectLock lock(trans);
  priv->ledger.stop();
  return TRUE;
}

static GstStateChangeReturn gst_reddiff_change_state(GstElement* element, GstStateChange transition) {
  // The base class waits for a running solve when it deactivates the pads: let that end soon.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    GST_REDDIFF(element)->priv->session.abort().set(AbortCauses::stop, true);
  return GST_ELEMENT_CLASS(gst_reddiff_parent_class)->change_state(element, transition);
}

// Negotiation

static GstCaps* transformed(GstReddiff* self, bool forward, GstCaps* caps, GstCaps* filter) {
  reddiff::Demands asked;
  bool masks_by_alpha = false;
  {
    const ObjectLock lock(self);
    asked = self->priv->ledger.asked();
    masks_by_alpha = self->priv->ledger.masks_by_alpha();
  }
  GstCaps* result =
      reddiff::scale_caps(caps, forward ? asked.scale : 1, forward ? 1 : asked.scale, reddiff::Rounding::exact);
  if (forward && asked.doubles_rate()) result = reddiff::with_rate_of_fields(result);
  if (forward) result = reddiff::make_progressive(result);
  // What upstream is to send; what it sent before it was asked still comes through.
  if (asked.alpha_is_mask && (!forward || masks_by_alpha)) result = reddiff::keep_alpha_formats(result);
  if (!forward) result = reddiff::admit_interlaced(result, asked.doubles_rate());
  result = reddiff::in_either_memory(result, self->priv->memory.is_offered());
  result = reddiff::within(result, filter);
  GST_DEBUG_OBJECT(self, "%" GST_PTR_FORMAT " becomes %" GST_PTR_FORMAT, caps, result);
  return result;
}

static GstCaps* gst_reddiff_transform_caps(GstBaseTransform* trans, GstPadDirection direction, GstCaps* caps,
                                           GstCaps* filter) {
  GstCaps* const none = nullptr;
  GstCaps* result = reddiff::guarded(GST_ELEMENT(trans), none, none, [&] {
    return transformed(GST_REDDIFF(trans), direction == GST_PAD_SINK, caps, filter);
  });
  return result ? result : gst_caps_new_empty();
}

static GstCaps* gst_reddiff_fixate_caps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps,
                                        GstCaps* othercaps) {
  othercaps = reddiff::stay_in_memory(othercaps, caps);
  return direction == GST_PAD_SINK ? reddiff::fixate_with_colour(othercaps, caps) : gst_caps_fixate(othercaps);
}

static gboolean gst_reddiff_set_info(GstVideoFilter* filter, GstCaps* incaps, GstVideoInfo* in_info, GstCaps* outcaps,
                                     GstVideoInfo* out_info) {
  auto* self = GST_REDDIFF(filter);
  Private* priv = self->priv;
  reddiff::keep_chroma_site(incaps, in_info);
  reddiff::keep_chroma_site(outcaps, out_info);
  // Before the queries for allocation, whose answers depend on it.
  reddiff::update_passthrough(filter, *priv, *in_info, *out_info);
  // The base class calls this only for caps that differ from the last.
  if (priv->session.has_past()) priv->session.request_reset(ResetCause::caps);
  priv->timing.ask_if_live();
  const ObjectLock lock(self);
  priv->ledger.forgive();
  return TRUE;
}

// Events

// False where the event must not go on.
static bool take_event(GstReddiff* self, GstEvent* event) {
  Private* priv = self->priv;
  if (priv->interlaced.refuses(GST_ELEMENT(self), event, reddiff::asked(GST_VIDEO_FILTER(self), *priv).takes_fields))
    return false;
  priv->session.request_reset(priv->stream.on_event(event, frame_settings(self).max_gap));
  priv->compression.on_event(event);
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP || GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START)
    priv->damage.clear();
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START) priv->session.abort().set(AbortCauses::flush, true);
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    priv->fields.drop_pending();
    priv->session.abort().set(AbortCauses::flush, false);
    const ObjectLock lock(self);
    priv->ledger.forgive();
  }
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP || GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
    priv->timing.forget_lateness();
  return true;
}

static gboolean gst_reddiff_sink_event(GstBaseTransform* trans, GstEvent* event) {
  if (reddiff::guarded(GST_ELEMENT(trans), false, false, [&] { return take_event(GST_REDDIFF(trans), event); }))
    return parent_transform_class->sink_event(trans, event);
  gst_event_unref(event);
  return FALSE;
}

static gboolean gst_reddiff_src_event(GstBaseTransform* trans, GstEvent* event) {
  auto* self = GST_REDDIFF(trans);
  if (GST_EVENT_TYPE(event) == GST_EVENT_QOS && self->priv->timing.take_qos(event, frame_settings(self).qos_policy))
    return TRUE;
  if (GST_EVENT_TYPE(event) == GST_EVENT_NAVIGATION) {
    int scale = 1;
    {
      const ObjectLock lock(self);
      scale = self->priv->ledger.asked().scale;
    }
    event = reddiff::reduce_coordinates(event, scale);
  }
  return parent_transform_class->src_event(trans, event);
}

static void gst_reddiff_set_context(GstElement* element, GstContext* context) {
  GST_REDDIFF(element)->priv->memory.set_context(context);
  GST_ELEMENT_CLASS(gst_reddiff_parent_class)->set_context(element, context);
}

static gboolean gst_reddiff_query(GstBaseTransform* trans, GstPadDirection direction, GstQuery* query) {
  if (GST_QUERY_TYPE(query) == GST_QUERY_CONTEXT && GST_REDDIFF(trans)->priv->memory.answer(query)) return TRUE;
  if (!parent_transform_class->query(trans, direction, query)) return FALSE;
  auto* self = GST_REDDIFF(trans);
  if (direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
    self->priv->timing.add_latency(query, frame_settings(self).processing_deadline);
  return TRUE;
}

static gboolean gst_reddiff_propose_allocation(GstBaseTransform* trans, GstQuery* decide_query, GstQuery* query) {
  Private* priv = GST_REDDIFF(trans)->priv;
  priv->passthrough.on_allocation_query();
  // In passthrough it is downstream that is asked.
  const bool proposed = !decide_query || reddiff::guarded(GST_ELEMENT(trans), false, false, [&] {
    priv->memory.propose_allocation(query);
    return true;
  });
  return proposed && parent_transform_class->propose_allocation(trans, decide_query, query);
}

static gboolean gst_reddiff_decide_allocation(GstBaseTransform* trans, GstQuery* query) {
  const bool decided = reddiff::guarded(GST_ELEMENT(trans), false, false, [&] {
    GST_REDDIFF(trans)->priv->memory.decide_allocation(query);
    return true;
  });
  return decided && parent_transform_class->decide_allocation(trans, query);
}

// Frames

static GstFlowReturn gst_reddiff_submit_input_buffer(GstBaseTransform* trans, gboolean is_discont, GstBuffer* input) {
  auto* self = GST_REDDIFF(trans);
  Private* priv = self->priv;
  GstFlowReturn flow = reddiff::guarded(GST_ELEMENT(self), GST_FLOW_ERROR, GST_FLOW_FLUSHING,
                                        [&] { return reddiff::receive(GST_VIDEO_FILTER(self), *priv, input); });
  if (flow != GST_FLOW_OK) {
    gst_buffer_unref(input);
    return flow;
  }
  flow = parent_transform_class->submit_input_buffer(trans, is_discont, input);
  const ObjectLock lock(self);
  priv->statistics.frame_in();
  if (flow == GST_BASE_TRANSFORM_FLOW_DROPPED) priv->statistics.frame_dropped();  // qos-policy=drop
  return flow;
}

static GstFlowReturn gst_reddiff_generate_output(GstBaseTransform* trans, GstBuffer** output) {
  return reddiff::guarded(GST_ELEMENT(trans), GST_FLOW_ERROR, GST_FLOW_FLUSHING, [&] {
    return reddiff::generate(GST_VIDEO_FILTER(trans), *GST_REDDIFF(trans)->priv,
                             parent_transform_class->generate_output, output);
  });
}

static void gst_reddiff_before_transform(GstBaseTransform* trans, GstBuffer* buffer) {
  if (trans->segment.format != GST_FORMAT_TIME) return;
  const GstClockTime time = gst_segment_to_stream_time(&trans->segment, GST_FORMAT_TIME, GST_BUFFER_TIMESTAMP(buffer));
  if (GST_CLOCK_TIME_IS_VALID(time)) gst_object_sync_values(GST_OBJECT(trans), time);
}

static GstFlowReturn gst_reddiff_transform(GstBaseTransform* trans, GstBuffer* inbuf, GstBuffer* outbuf) {
  auto* self = GST_REDDIFF(trans);
  if (!GST_VIDEO_FILTER(self)->negotiated) return GST_FLOW_NOT_NEGOTIATED;
  InForce force;
  const GstFlowReturn flow = reddiff::guarded(GST_ELEMENT(self), GST_FLOW_ERROR, GST_FLOW_FLUSHING, [&] {
    return reddiff::restore_frame(GST_VIDEO_FILTER(self), *self->priv, force, inbuf, outbuf);
  });
  if (flow == GST_FLOW_ERROR) {
    const ObjectLock lock(self);
    self->priv->ledger.on_failure(force);
  }
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
  reddiff::add_pad_templates(element_class, reddiff::DeviceMemory::is_built());
  element_class->change_state = gst_reddiff_change_state;
  element_class->set_context = gst_reddiff_set_context;
  transform_class->start = gst_reddiff_start;
  transform_class->stop = gst_reddiff_stop;
  transform_class->transform_caps = gst_reddiff_transform_caps;
  transform_class->fixate_caps = gst_reddiff_fixate_caps;
  transform_class->sink_event = gst_reddiff_sink_event;
  transform_class->src_event = gst_reddiff_src_event;
  transform_class->query = gst_reddiff_query;
  transform_class->propose_allocation = gst_reddiff_propose_allocation;
  transform_class->decide_allocation = gst_reddiff_decide_allocation;
  transform_class->submit_input_buffer = gst_reddiff_submit_input_buffer;
  transform_class->generate_output = gst_reddiff_generate_output;
  transform_class->before_transform = gst_reddiff_before_transform;
  transform_class->transform = gst_reddiff_transform;
  transform_class->transform_ip = nullptr;  // GstVideoFilter's would count as work in passthrough
  transform_class->transform_meta = gst_reddiff_transform_meta;
  transform_class->passthrough_on_same_caps = FALSE;
  GST_VIDEO_FILTER_CLASS(klass)->set_info = gst_reddiff_set_info;
}
