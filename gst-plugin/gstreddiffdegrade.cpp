// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-reddiffdegrade
 * @title: reddiffdegrade
 * @see_also: reddiff
 *
 * Degrades clean video the way #GstReddiff assumes it was degraded: applies an operator (blur, reduction, ...) and adds white
 * Gaussian noise. For demonstrations, tests and evaluations. The output is as large as the input divided by the operator's
 * factor, which must divide width and height. The same seed gives the same noise; every frame has its own.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc ! reddiffdegrade operator=gaussian-blur:sigma=1.6+bicubic:factor=2 noise=10 ! videoconvert ! autovideosink
 * ]|
 */
#include "gst-plugin/gstreddiffdegrade.h"

#include <memory>

#include "gst-plugin/abort_causes.h"
#include "gst-plugin/caps.h"
#include "gst-plugin/debug.h"
#include "gst-plugin/error_map.h"
#include "gst-plugin/frame_memory.h"
#include "gst-plugin/interlaced.h"
#include "gst-plugin/meta.h"
#include "gst-plugin/module_loader.h"
#include "gst-plugin/object_lock.h"

namespace {

using reddiff::AbortCauses;
using reddiff::ObjectLock;

enum Id { PROP_OPERATOR = 1, PROP_NOISE, PROP_SEED, PROP_DEVICE };

struct Private {
  // Any thread, under the object lock.
  reddiff::DegraderConfig config;
  int factor = 1;          // of `config.operator_text`
  int started_factor = 0;  // of the operator that is applied; 0: none, before start()
  // Any thread.
  AbortCauses abort;
  // Streaming thread; start() and stop() while that does not run.
  std::unique_ptr<reddiff::Degrader> degrader;
  guint64 frame_index = 0;
  reddiff::InterlacedGuard interlaced;
  bool failed = false;
};

}  // namespace

struct _GstReddiffDegrade {
  GstVideoFilter parent;
  Private* priv;
};

G_DEFINE_TYPE(GstReddiffDegrade, gst_reddiff_degrade, GST_TYPE_VIDEO_FILTER)
GST_ELEMENT_REGISTER_DEFINE(reddiffdegrade, "reddiffdegrade", GST_RANK_NONE, GST_TYPE_REDDIFF_DEGRADE)

static void set_operator(Private* priv, const gchar* text) {
  priv->config.operator_text = text ? text : "";
  try {
    priv->factor = reddiff::parse_operator(priv->config.operator_text).factor();
  } catch (const reddiff::Error&) {
    priv->factor = 1;  // start() reports it
  }
}

static void set(Private* priv, guint id, const GValue* value) {
  const auto text = [value] { return g_value_get_string(value) ? g_value_get_string(value) : ""; };
  if (id == PROP_OPERATOR) set_operator(priv, text());
  if (id == PROP_NOISE) priv->config.noise = g_value_get_double(value);
  if (id == PROP_SEED) priv->config.seed = g_value_get_uint64(value);
  if (id == PROP_DEVICE) priv->config.device = text();
}

static void get(const reddiff::DegraderConfig& config, guint id, GValue* value) {
  if (id == PROP_OPERATOR) g_value_set_string(value, config.operator_text.c_str());
  if (id == PROP_NOISE) g_value_set_double(value, config.noise);
  if (id == PROP_SEED) g_value_set_uint64(value, config.seed);
  if (id == PROP_DEVICE) g_value_set_string(value, config.device.c_str());
}

static void gst_reddiff_degrade_set_property(GObject* object, guint id, const GValue* value, GParamSpec*) {
  reddiff::guarded(GST_ELEMENT(object), [&] {
    const ObjectLock lock(object);
    set(GST_REDDIFF_DEGRADE(object)->priv, id, value);
  });
}

static void gst_reddiff_degrade_get_property(GObject* object, guint id, GValue* value, GParamSpec*) {
  const ObjectLock lock(object);
  get(GST_REDDIFF_DEGRADE(object)->priv->config, id, value);
}

static gboolean gst_reddiff_degrade_start(GstBaseTransform* trans) {
  Private* priv = GST_REDDIFF_DEGRADE(trans)->priv;
  priv->frame_index = 0;
  priv->interlaced.clear();
  priv->failed = false;
  priv->abort.clear();
  return reddiff::guarded(GST_ELEMENT(trans), FALSE, FALSE, [&] {
    reddiff::DegraderConfig config;
    {
      const ObjectLock lock(trans);
      config = priv->config;
    }
    // Wrong settings are reported even where there is no torch module.
    const int factor = reddiff::parse_operator(config.operator_text).factor();
    priv->degrader = reddiff::load_module().table->make_degrader(config);
    const ObjectLock lock(trans);
    priv->started_factor = factor;
    return TRUE;
  });
}

static gboolean gst_reddiff_degrade_stop(GstBaseTransform* trans) {
  Private* priv = GST_REDDIFF_DEGRADE(trans)->priv;
  priv->degrader.reset();
  priv->abort.clear();
  const ObjectLock lock(trans);
  priv->started_factor = 0;
  return TRUE;
}

static GstStateChangeReturn gst_reddiff_degrade_change_state(GstElement* element, GstStateChange transition) {
  // The base class waits for a running frame when it deactivates the pads: let that end soon.
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    GST_REDDIFF_DEGRADE(element)->priv->abort.set(AbortCauses::stop, true);
  return GST_ELEMENT_CLASS(gst_reddiff_degrade_parent_class)->change_state(element, transition);
}

static int current_factor(gpointer self) {
  const Private* priv = GST_REDDIFF_DEGRADE(self)->priv;
  const ObjectLock lock(self);
  return priv->started_factor > 0 ? priv->started_factor : priv->factor;
}

// A fixed size that the factor does not divide is rounded down here and refused in set_info: refused here, the user would
// read no more than that caps did not match.
static GstCaps* gst_reddiff_degrade_transform_caps(GstBaseTransform* trans, GstPadDirection direction, GstCaps* caps,
                                                   GstCaps* filter) {
  const int factor = current_factor(trans);
  const bool forward = direction == GST_PAD_SINK;
  GstCaps* result = forward ? reddiff::scale_caps(caps, 1, factor, reddiff::Rounding::down)
                            : reddiff::scale_caps(caps, factor, 1, reddiff::Rounding::exact);
  result = forward ? reddiff::make_progressive(result) : reddiff::admit_interlaced(result);
  return reddiff::within(result, filter);
}

static GstCaps* gst_reddiff_degrade_fixate_caps(GstBaseTransform*, GstPadDirection direction, GstCaps* caps,
                                                GstCaps* othercaps) {
  return direction == GST_PAD_SINK ? reddiff::fixate_with_colour(othercaps, caps) : gst_caps_fixate(othercaps);
}

static gboolean gst_reddiff_degrade_set_info(GstVideoFilter* filter, GstCaps* incaps, GstVideoInfo* in_info,
                                             GstCaps* outcaps, GstVideoInfo* out_info) {
  const int factor = current_factor(filter);
  const int width = GST_VIDEO_INFO_WIDTH(in_info), height = GST_VIDEO_INFO_HEIGHT(in_info);
  GST_REDDIFF_DEGRADE(filter)->priv->failed = false;
  reddiff::keep_chroma_site(incaps, in_info);
  reddiff::keep_chroma_site(outcaps, out_info);
  return reddiff::guarded(GST_ELEMENT(filter), FALSE, FALSE, [&] {
    if (width % factor != 0 || height % factor != 0)
      throw reddiff::Error(reddiff::ErrorCode::format, "The operator reduces by " + std::to_string(factor) +
                                                           ", which does not divide " + std::to_string(width) + "x" +
                                                           std::to_string(height) +
                                                           "; put videocrop or videoscale in front so that it does.");
    return TRUE;
  });
}

static gboolean gst_reddiff_degrade_sink_event(GstBaseTransform* trans, GstEvent* event) {
  Private* priv = GST_REDDIFF_DEGRADE(trans)->priv;
  if (reddiff::guarded(GST_ELEMENT(trans), true, true,
                       [&] { return priv->interlaced.refuses(GST_ELEMENT(trans), event); })) {
    gst_event_unref(event);
    return FALSE;
  }
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_START) priv->abort.set(AbortCauses::flush, true);
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
    priv->abort.set(AbortCauses::flush, false);
    priv->frame_index = 0;
    priv->failed = false;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_reddiff_degrade_parent_class)->sink_event(trans, event);
}

static GstFlowReturn gst_reddiff_degrade_transform(GstBaseTransform* trans, GstBuffer* inbuf, GstBuffer* outbuf) {
  auto* filter = GST_VIDEO_FILTER(trans);
  Private* priv = GST_REDDIFF_DEGRADE(trans)->priv;
  if (!filter->negotiated) return GST_FLOW_NOT_NEGOTIATED;
  if (priv->failed) return GST_FLOW_ERROR;
  const GstFlowReturn flow = reddiff::guarded(GST_ELEMENT(trans), GST_FLOW_ERROR, GST_FLOW_FLUSHING, [&] {
    if (priv->interlaced.refuses(GST_ELEMENT(trans), inbuf)) return GST_FLOW_NOT_NEGOTIATED;
    reddiff::check_not_forked();
    const reddiff::MappedFrame in(filter->in_info, inbuf, GST_MAP_READ);
    reddiff::clear_buffer(filter->out_info, outbuf);
    const reddiff::MappedFrame out(filter->out_info, outbuf, GST_MAP_WRITE);
    priv->degrader->process(in.view(), out.view(), priv->frame_index++, &priv->abort.flag());
    return GST_FLOW_OK;
  });
  priv->failed = flow == GST_FLOW_ERROR;
  return flow;
}

static gboolean gst_reddiff_degrade_transform_meta(GstBaseTransform* trans, GstBuffer* outbuf, GstMeta* meta,
                                                   GstBuffer* inbuf) {
  return reddiff::carry_meta(GST_VIDEO_FILTER(trans), outbuf, meta, inbuf);
}

static void gst_reddiff_degrade_init(GstReddiffDegrade* self) {
  self->priv = new Private;
  // Frames dropped for being late would leave theirs, and all later ones, another noise in every run.
  gst_base_transform_set_qos_enabled(GST_BASE_TRANSFORM(self), FALSE);
}

static void gst_reddiff_degrade_finalize(GObject* object) {
  delete GST_REDDIFF_DEGRADE(object)->priv;
  G_OBJECT_CLASS(gst_reddiff_degrade_parent_class)->finalize(object);
}

static void install_properties(GObjectClass* object_class) {
  const reddiff::DegraderConfig defaults;
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  g_object_class_install_property(object_class, PROP_OPERATOR,
                                  g_param_spec_string("operator", "operator",
                                                      "What to apply: stages name:arg=value, left to right, joined by "
                                                      "'+', for example gaussian-blur:sigma=1.6; identity = only noise",
                                                      defaults.operator_text.c_str(), flags));
  g_object_class_install_property(
      object_class, PROP_NOISE,
      g_param_spec_double("noise", "noise", "Standard deviation of the added noise in 8-bit code values", 0, 255,
                          defaults.noise, flags));
  g_object_class_install_property(
      object_class, PROP_SEED,
      g_param_spec_uint64("seed", "seed", "Seed of the noise; the same seed and input give the same output", 0,
                          G_MAXUINT64, defaults.seed, flags));
  g_object_class_install_property(
      object_class, PROP_DEVICE,
      g_param_spec_string("device", "device",
                          "Where to compute: auto, cpu or cuda:N; one that is asked for and missing is an error",
                          defaults.device.c_str(), flags));
}

static void gst_reddiff_degrade_class_init(GstReddiffDegradeClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  object_class->set_property = gst_reddiff_degrade_set_property;
  object_class->get_property = gst_reddiff_degrade_get_property;
  object_class->finalize = gst_reddiff_degrade_finalize;
  install_properties(object_class);

  gst_element_class_set_static_metadata(element_class, "RED-Diff degradation", "Filter/Effect/Video",
                                        "Applies the operator and noise that reddiff undoes to clean video",
                                        "The gst-reddiff authors");
  reddiff::add_pad_templates(element_class, false);

  element_class->change_state = gst_reddiff_degrade_change_state;
  transform_class->start = gst_reddiff_degrade_start;
  transform_class->stop = gst_reddiff_degrade_stop;
  transform_class->transform_caps = gst_reddiff_degrade_transform_caps;
  transform_class->fixate_caps = gst_reddiff_degrade_fixate_caps;
  transform_class->sink_event = gst_reddiff_degrade_sink_event;
  transform_class->transform = gst_reddiff_degrade_transform;
  transform_class->transform_ip = nullptr;
  transform_class->transform_meta = gst_reddiff_degrade_transform_meta;
  transform_class->passthrough_on_same_caps = FALSE;
  GST_VIDEO_FILTER_CLASS(klass)->set_info = gst_reddiff_degrade_set_info;
}
