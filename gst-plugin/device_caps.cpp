// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/device_caps.h"

#include <charconv>

namespace reddiff {
namespace {

bool is_cuda(const GstCapsFeatures* features) {
  return gst_caps_features_contains(features, cuda_feature) && gst_caps_features_get_size(features) == 1;
}

bool is_host(const GstCapsFeatures* features) {
  return gst_caps_features_is_equal(features, GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY);
}

// A structure as it would be in a GPU's memory; unset where none of its formats can be.
GstStructure* on_device(const GstStructure* structure) {
  GstStructure* copy = gst_structure_copy(structure);
  GValue formats = G_VALUE_INIT, left = G_VALUE_INIT;
  g_value_init(&formats, GST_TYPE_LIST);
  gst_value_deserialize(&formats, cuda_formats);
  const GValue* asked = gst_structure_get_value(copy, "format");
  if (!asked) {
    gst_structure_take_value(copy, "format", &formats);
    return copy;
  }
  const bool any = gst_value_intersect(&left, asked, &formats);
  g_value_unset(&formats);
  if (any) {
    gst_structure_take_value(copy, "format", &left);
    return copy;
  }
  gst_structure_free(copy);
  return nullptr;
}

// Adds a structure in the given memory, unless that is there already. Takes `caps`, full transfer.
GstCaps* add(GstCaps* caps, const GstStructure* structure, bool device) {
  GstStructure* copy = device ? on_device(structure) : gst_structure_copy(structure);
  if (!copy) return caps;
  const char* feature = device ? cuda_feature : GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY;
  return gst_caps_merge_structure_full(caps, copy, gst_caps_features_new(feature, nullptr));
}

void append_from(GstCaps* caps, const GstCaps* from, guint index) {
  gst_caps_append_structure_full(caps, gst_structure_copy(gst_caps_get_structure(from, index)),
                                 gst_caps_features_copy(gst_caps_get_features(from, index)));
}

}  // namespace

bool in_cuda_memory(const GstCaps* caps) {
  return !gst_caps_is_any(caps) && gst_caps_get_size(caps) > 0 && is_cuda(gst_caps_get_features(caps, 0));
}

GstCaps* with_cuda_memory(GstCaps* caps) {
  if (gst_caps_is_any(caps)) return caps;
  GstCaps* result = gst_caps_copy(caps);
  for (guint i = 0; i < gst_caps_get_size(caps); ++i)
    if (is_host(gst_caps_get_features(caps, i))) result = add(result, gst_caps_get_structure(caps, i), true);
  gst_caps_unref(caps);
  return result;
}

GstCaps* in_either_memory(GstCaps* caps, bool offered) {
  if (gst_caps_is_any(caps)) return caps;
  g_autoptr(GstCaps) given = caps;
  GstCaps* result = gst_caps_new_empty();
  const guint size = gst_caps_get_size(given);
  for (guint i = 0; i < size; ++i)
    if (offered || !is_cuda(gst_caps_get_features(given, i))) append_from(result, given, i);
  for (guint i = 0; i < size && offered; ++i) {
    const GstCapsFeatures* features = gst_caps_get_features(given, i);
    if (is_host(features) || is_cuda(features))
      result = add(result, gst_caps_get_structure(given, i), is_host(features));
  }
  return result;
}

GstCaps* stay_in_memory(GstCaps* caps, const GstCaps* in) {
  if (!in_cuda_memory(in) || gst_caps_is_any(caps)) return caps;
  g_autoptr(GstCaps) given = caps;
  GstCaps* result = gst_caps_new_empty();
  for (const bool device : {true, false})
    for (guint i = 0; i < gst_caps_get_size(given); ++i)
      if (is_cuda(gst_caps_get_features(given, i)) == device) append_from(result, given, i);
  return result;
}

int cuda_index(const std::string& device) {
  if (device == "auto" || device == "cuda") return 0;
  if (!device.starts_with("cuda:")) return -1;
  int index = -1;
  const char* end = device.data() + device.size();
  const auto parsed = std::from_chars(device.data() + 5, end, index);
  return parsed.ec == std::errc() && parsed.ptr == end && index >= 0 ? index : -1;
}

}  // namespace reddiff
