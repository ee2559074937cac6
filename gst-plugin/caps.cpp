// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/caps.h"

#include <algorithm>
#include <numeric>

#include "gst-plugin/device_caps.h"

namespace reddiff {
namespace {

constexpr int largest_side = 32768;

struct Ratio {
  gint64 numerator;
  gint64 denominator;
  Rounding rounding;
};

int clamp_to_int(gint64 value) { return static_cast<int>(std::min<gint64>(value, G_MAXINT)); }

bool scale_int(int value, const Ratio& ratio, GValue* out) {
  const gint64 product = value * ratio.numerator;
  if (product % ratio.denominator != 0 && ratio.rounding == Rounding::exact) return false;
  g_value_init(out, G_TYPE_INT);
  g_value_set_int(out, clamp_to_int(std::max<gint64>(product / ratio.denominator, 1)));
  return true;
}

struct Range {
  gint64 low, high, step;
};

gint64 rounded_up(gint64 value, gint64 divisor) { return (value + divisor - 1) / divisor; }

Range scaled(const Range& range, const Ratio& ratio) {
  const gint64 numerator = ratio.numerator, denominator = ratio.denominator;
  if (range.step == 1) return {rounded_up(range.low * numerator, denominator), range.high * numerator / denominator, 1};
  // GStreamer's ranges with a step hold its multiples. Those of `kept` become whole numbers.
  const gint64 kept = std::lcm(range.step, denominator), step = kept / denominator * numerator;
  return {rounded_up(range.low, kept) * step, range.high / kept * step, step};
}

bool scale_range(const Range& range, const Ratio& ratio, GValue* out) {
  const auto [low, high, step] = scaled(range, ratio);
  if (low > high || step > G_MAXINT) return false;
  const int first = clamp_to_int(low), last = static_cast<int>(clamp_to_int(high) / step * step);
  if (first >= last) {
    g_value_init(out, G_TYPE_INT);
    g_value_set_int(out, first);
  } else {
    g_value_init(out, GST_TYPE_INT_RANGE);
    gst_value_set_int_range_step(out, first, last, static_cast<int>(step));
  }
  return true;
}

// False when nothing of `value` is left; `out` is then unset.
bool scale_value(const GValue* value, const Ratio& ratio, GValue* out) {
  if (G_VALUE_HOLDS_INT(value)) return scale_int(g_value_get_int(value), ratio, out);
  if (GST_VALUE_HOLDS_INT_RANGE(value))
    return scale_range(
        {gst_value_get_int_range_min(value), gst_value_get_int_range_max(value), gst_value_get_int_range_step(value)},
        ratio, out);
  if (!GST_VALUE_HOLDS_LIST(value)) return false;
  g_value_init(out, GST_TYPE_LIST);
  for (guint i = 0; i < gst_value_list_get_size(value); ++i) {
    GValue entry = G_VALUE_INIT;
    if (scale_value(gst_value_list_get_value(value, i), ratio, &entry))
      gst_value_list_append_and_take_value(out, &entry);
  }
  if (gst_value_list_get_size(out) > 0) return true;
  g_value_unset(out);
  return false;
}

bool scale_field(GstStructure* structure, const char* field, const Ratio& ratio) {
  const GValue* value = gst_structure_get_value(structure, field);
  if (!value) return true;
  GValue scaled = G_VALUE_INIT;
  if (!scale_value(value, ratio, &scaled)) return false;
  gst_structure_take_value(structure, field, &scaled);
  return true;
}

}  // namespace

GstCaps* make_raw_caps(const char* formats) {
  const g_autofree gchar* text = g_strdup_printf(
      "video/x-raw, format=(string)%s, width=(int)[1, %d], height=(int)[1, %d], framerate=(fraction)[0/1, MAX], "
      "interlace-mode=(string)progressive",
      formats, largest_side, largest_side);
  return gst_caps_from_string(text);
}

GstCaps* scale_caps(const GstCaps* caps, int numerator, int denominator, Rounding rounding) {
  if (gst_caps_is_any(caps)) return gst_caps_new_any();
  const Ratio ratio{numerator, denominator, rounding};
  GstCaps* scaled = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    GstStructure* structure = gst_structure_copy(gst_caps_get_structure(caps, i));
    if (scale_field(structure, "width", ratio) && scale_field(structure, "height", ratio))
      gst_caps_append_structure_full(scaled, structure, gst_caps_features_copy(gst_caps_get_features(caps, i)));
    else
      gst_structure_free(structure);
  }
  return scaled;
}

GstCaps* keep_alpha_formats(GstCaps* caps) {
  g_autoptr(GstCaps) all = caps;
  g_autoptr(GstCaps) alpha = with_cuda_memory(make_raw_caps(alpha_formats));
  return gst_caps_intersect_full(all, alpha, GST_CAPS_INTERSECT_FIRST);
}

GstCaps* within(GstCaps* caps, GstCaps* filter) {
  if (!filter) return caps;
  g_autoptr(GstCaps) all = caps;
  return gst_caps_intersect_full(filter, all, GST_CAPS_INTERSECT_FIRST);
}

GstCaps* fixate_with_colour(GstCaps* caps, const GstCaps* in) {
  caps = gst_caps_fixate(caps);
  GstVideoInfo info;
  if (gst_caps_is_empty(caps) || !gst_video_info_from_caps(&info, in)) return caps;
  caps = gst_caps_make_writable(caps);
  const auto complete = [structure = gst_caps_get_structure(caps, 0)](const char* field, gchar* taken) {
    const g_autofree gchar* value = taken;
    if (value && !gst_structure_has_field(structure, field))
      gst_structure_set(structure, field, G_TYPE_STRING, value, nullptr);
  };
  complete("colorimetry", gst_video_colorimetry_to_string(&info.colorimetry));
  if (GST_VIDEO_INFO_IS_YUV(&info) && info.chroma_site != GST_VIDEO_CHROMA_SITE_UNKNOWN)
    complete("chroma-site", gst_video_chroma_site_to_string(info.chroma_site));
  return caps;
}

void keep_chroma_site(const GstCaps* caps, GstVideoInfo* info) {
  const gchar* named = gst_structure_get_string(gst_caps_get_structure(caps, 0), "chroma-site");
  const auto site = named ? gst_video_chroma_site_from_string(named) : GST_VIDEO_CHROMA_SITE_UNKNOWN;
  if (site != GST_VIDEO_CHROMA_SITE_UNKNOWN) info->chroma_site = site;
}

GstEvent* reduce_coordinates(GstEvent* event, int scale) {
  gdouble x = 0, y = 0;
  if (scale == 1 || !gst_navigation_event_get_coordinates(event, &x, &y)) return event;
  event = gst_event_make_writable(event);
  gst_navigation_event_set_coordinates(event, x / scale, y / scale);
  return event;
}

}  // namespace reddiff
