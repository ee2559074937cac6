// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/interlaced.h"

#include <gst/video/video.h>

#include <string>

#include "gst-plugin/caps.h"
#include "gst-plugin/device_caps.h"
#include "gst-plugin/error_map.h"
#include "gst-plugin/fields.h"

namespace reddiff {
namespace {

constexpr const char* mode_field = "interlace-mode";

// Empty where whole frames may come: progressive video, which is what a missing field means, and mixed.
std::string interlace_mode(const GstCaps* caps) {
  const gchar* mode = gst_structure_get_string(gst_caps_get_structure(caps, 0), mode_field);
  return mode && !g_str_equal(mode, "progressive") && !g_str_equal(mode, "mixed") ? mode : "";
}

}  // namespace

GstCaps* admit_interlaced(GstCaps* caps, bool halved) {
  if (gst_caps_is_any(caps)) return caps;
  caps = gst_caps_make_writable(caps);
  g_autoptr(GstCaps) interleaved = halved ? halve_rate(gst_caps_copy(caps)) : gst_caps_new_empty();
  const guint progressive = gst_caps_get_size(caps);
  // Before those without a word on interlacing: who sends fields shall find the rate that they must have.
  for (guint i = 0; i < gst_caps_get_size(interleaved); ++i) {
    GstStructure* frames = gst_structure_copy(gst_caps_get_structure(interleaved, i));
    g_autoptr(GstCaps) modes = gst_caps_from_string("video/x-raw,interlace-mode={interleaved,mixed}");
    gst_structure_set_value(frames, mode_field, gst_structure_get_value(gst_caps_get_structure(modes, 0), mode_field));
    gst_caps_append_structure_full(caps, frames, gst_caps_features_copy(gst_caps_get_features(interleaved, i)));
  }
  for (guint i = 0; i < progressive; ++i) {
    GstStructure* frames = gst_structure_copy(gst_caps_get_structure(caps, i));
    gst_structure_remove_field(frames, mode_field);
    gst_caps_append_structure_full(caps, frames, gst_caps_features_copy(gst_caps_get_features(caps, i)));
    // Each field in a buffer of its own, which nothing makes in a GPU's memory.
    if (gst_caps_features_contains(gst_caps_get_features(caps, i), cuda_feature)) continue;
    GstStructure* fields = gst_structure_copy(gst_caps_get_structure(caps, i));
    gst_structure_set(fields, mode_field, G_TYPE_STRING, "alternate", nullptr);
    gst_caps_append_structure_full(caps, fields, gst_caps_features_new(GST_CAPS_FEATURE_FORMAT_INTERLACED, nullptr));
  }
  return caps;
}

GstCaps* make_progressive(GstCaps* caps) {
  if (gst_caps_is_any(caps)) return caps;
  g_autoptr(GstCaps) given = caps;
  GstCaps* result = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstStructure* structure = gst_structure_copy(gst_caps_get_structure(caps, i));
    GstCapsFeatures* features = gst_caps_features_copy(gst_caps_get_features(caps, i));
    gst_caps_features_remove(features, GST_CAPS_FEATURE_FORMAT_INTERLACED);
    if (gst_caps_features_get_size(features) == 0)
      gst_caps_features_add(features, GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY);
    if (gst_structure_has_field(structure, mode_field))
      gst_structure_set(structure, mode_field, G_TYPE_STRING, "progressive", nullptr);
    result = gst_caps_merge_structure_full(result, structure, features);
  }
  return result;
}

void add_pad_templates(GstElementClass* element_class, bool on_devices) {
  GstCaps* host = make_raw_caps(raw_formats);
  g_autoptr(GstCaps) out = on_devices ? with_cuda_memory(host) : host;
  g_autoptr(GstCaps) in = admit_interlaced(gst_caps_copy(out));
  gst_element_class_add_pad_template(element_class, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, in));
  gst_element_class_add_pad_template(element_class, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, out));
}

void InterlacedGuard::tell(GstElement* element, const std::string& mode) {
  if (told_) return;
  told_ = true;
  post_error(element, Error(ErrorCode::format, "This video is interlaced (interlace-mode=" + mode +
                                                   "), and only whole frames can be worked on; put deinterlace in "
                                                   "front: ... ! deinterlace ! " +
                                                   GST_OBJECT_NAME(gst_element_get_factory(element)) + " ! ..."));
}

bool InterlacedGuard::refuses(GstElement* element, GstEvent* event, bool takes_fields) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) told_ = false;
  if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS) return false;
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  const std::string mode = interlace_mode(caps);
  if (mode.empty() || (takes_fields && mode == "interleaved"))
    told_ = false;
  else
    tell(element, mode);
  return told_;
}

bool InterlacedGuard::refuses(GstElement* element, const GstBuffer* buffer, bool takes_fields) {
  if (takes_fields || !GST_BUFFER_FLAG_IS_SET(buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED)) return false;
  tell(element, "mixed");
  return true;
}

bool InterlacedGuard::refuses(GstElement* element, const GstVideoInfo& info, bool takes_fields) {
  if (takes_fields || GST_VIDEO_INFO_INTERLACE_MODE(&info) != GST_VIDEO_INTERLACE_MODE_INTERLEAVED) return false;
  tell(element, "interleaved");
  return true;
}

}  // namespace reddiff
