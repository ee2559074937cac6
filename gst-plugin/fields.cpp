// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/fields.h"

namespace reddiff {
namespace {

FrameLines other(FrameLines lines) {
  return lines == FrameLines::top_field ? FrameLines::bottom_field : FrameLines::top_field;
}

bool has(const GstBuffer* buffer, GstVideoBufferFlags flag) { return GST_BUFFER_FLAG_IS_SET(buffer, flag); }

bool top_is_first(const GstVideoInfo& info, const GstBuffer* buffer) {
  if (GST_VIDEO_INFO_INTERLACE_MODE(&info) == GST_VIDEO_INTERLACE_MODE_INTERLEAVED &&
      GST_VIDEO_INFO_FIELD_ORDER(&info) != GST_VIDEO_FIELD_ORDER_UNKNOWN)
    return GST_VIDEO_INFO_FIELD_ORDER(&info) == GST_VIDEO_FIELD_ORDER_TOP_FIELD_FIRST;
  return has(buffer, GST_VIDEO_BUFFER_FLAG_TFF);
}

// numerator / denominator times two, or half; what no fraction can hold stays as near as it can be.
void scaled(int numerator, int denominator, bool doubles, GValue* out) {
  int& shrinks = doubles ? denominator : numerator;
  int& grows = doubles ? numerator : denominator;
  if (shrinks % 2 == 0)
    shrinks /= 2;
  else if (grows <= G_MAXINT / 2)
    grows *= 2;
  gst_value_set_fraction(out, numerator, denominator);
}

void scale_value(const GValue* value, bool doubles, GValue* out) {
  const auto fraction = [doubles](const GValue* from, GValue* to) {
    g_value_init(to, GST_TYPE_FRACTION);
    scaled(gst_value_get_fraction_numerator(from), gst_value_get_fraction_denominator(from), doubles, to);
  };
  if (GST_VALUE_HOLDS_FRACTION(value)) return fraction(value, out);
  if (GST_VALUE_HOLDS_FRACTION_RANGE(value)) {
    GValue low = G_VALUE_INIT, high = G_VALUE_INIT;
    fraction(gst_value_get_fraction_range_min(value), &low);
    fraction(gst_value_get_fraction_range_max(value), &high);
    g_value_init(out, GST_TYPE_FRACTION_RANGE);
    gst_value_set_fraction_range(out, &low, &high);
    return;
  }
  if (!GST_VALUE_HOLDS_LIST(value)) {
    g_value_init(out, G_VALUE_TYPE(value));
    return g_value_copy(value, out);
  }
  g_value_init(out, GST_TYPE_LIST);
  for (guint i = 0; i < gst_value_list_get_size(value); ++i) {
    GValue entry = G_VALUE_INIT;
    scale_value(gst_value_list_get_value(value, i), doubles, &entry);
    gst_value_list_append_and_take_value(out, &entry);
  }
}

void scale_rate(GstStructure* structure, bool doubles) {
  const GValue* rate = gst_structure_get_value(structure, "framerate");
  if (!rate) return;
  GValue value = G_VALUE_INIT;
  scale_value(rate, doubles, &value);
  gst_structure_take_value(structure, "framerate", &value);
}

bool may_be(const GstStructure* structure, const char* modes) {
  g_autoptr(GstCaps) asked = gst_caps_from_string(modes);
  const GValue* own = gst_structure_get_value(structure, "interlace-mode");
  const GValue* those = gst_structure_get_value(gst_caps_get_structure(asked, 0), "interlace-mode");
  return own && gst_value_intersect(nullptr, own, those);
}

}  // namespace

FieldOrder field_order(const GstVideoInfo& info, const GstBuffer* buffer, bool backwards) {
  FieldOrder order;
  const bool mixed = GST_VIDEO_INFO_INTERLACE_MODE(&info) == GST_VIDEO_INTERLACE_MODE_MIXED;
  if (!interleaves_fields(info) || (mixed && !has(buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED))) return order;
  order.repeats = has(buffer, GST_VIDEO_BUFFER_FLAG_RFF);
  order.interlaced = !order.repeats;
  order.single = has(buffer, GST_VIDEO_BUFFER_FLAG_ONEFIELD);
  order.first = top_is_first(info, buffer) ? FrameLines::top_field : FrameLines::bottom_field;
  if (backwards && !order.single) order.first = other(order.first);
  return order;
}

int frames_of(const FieldOrder& order, Fields fields) {
  return order.interlaced && !order.single && fields == Fields::all ? 2 : 1;
}

std::vector<FieldPass> passes_of(const FieldOrder& order, Fields fields, int turn) {
  if (!order.interlaced) return {{}};
  if (order.single) return {{order.first, true}};
  const FrameLines in_time[] = {order.first, other(order.first)};
  if (fields == Fields::all) return {{in_time[turn], true}};
  const FrameLines wanted = fields == Fields::top ? FrameLines::top_field : FrameLines::bottom_field;
  return {{in_time[0], in_time[0] == wanted}, {in_time[1], in_time[1] == wanted}};
}

void stamp(GstBuffer* out, const GstBuffer* in, const GstVideoInfo& info, int frames, int moment) {
  GST_BUFFER_FLAG_UNSET(out, GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF | GST_VIDEO_BUFFER_FLAG_RFF |
                                 GST_VIDEO_BUFFER_FLAG_ONEFIELD);
  if (frames == 1) return;
  GstClockTime duration = GST_BUFFER_DURATION(in);
  if (!GST_CLOCK_TIME_IS_VALID(duration) && GST_VIDEO_INFO_FPS_N(&info) > 0)
    duration = gst_util_uint64_scale_int(GST_SECOND, GST_VIDEO_INFO_FPS_D(&info), GST_VIDEO_INFO_FPS_N(&info));
  const bool lasts = GST_CLOCK_TIME_IS_VALID(duration);
  const GstClockTime half = lasts ? duration / 2 : GST_CLOCK_TIME_NONE;
  if (GST_BUFFER_DURATION_IS_VALID(in)) GST_BUFFER_DURATION(out) = moment == 0 ? half : duration - half;
  GST_BUFFER_OFFSET(out) = GST_BUFFER_OFFSET_END(out) = GST_BUFFER_OFFSET_NONE;
  if (moment == 0) return;
  const auto later = [&](GstClockTime time) {
    return GST_CLOCK_TIME_IS_VALID(time) && lasts ? time + half : GST_CLOCK_TIME_NONE;
  };
  GST_BUFFER_PTS(out) = later(GST_BUFFER_PTS(in));
  GST_BUFFER_DTS(out) = later(GST_BUFFER_DTS(in));
}

GstCaps* halve_rate(GstCaps* caps) {
  if (gst_caps_is_any(caps)) return caps;
  caps = gst_caps_make_writable(caps);
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) scale_rate(gst_caps_get_structure(caps, i), false);
  return caps;
}

GstCaps* with_rate_of_fields(GstCaps* caps) {
  if (gst_caps_is_any(caps)) return caps;
  g_autoptr(GstCaps) given = caps;
  GstCaps* result = gst_caps_new_empty();
  const bool open = !gst_caps_is_fixed(caps);
  for (guint i = 0; i < gst_caps_get_size(caps); ++i) {
    const GstStructure* structure = gst_caps_get_structure(caps, i);
    const GstCapsFeatures* features = gst_caps_get_features(caps, i);
    const bool unsaid = open && !gst_structure_has_field(structure, "interlace-mode");
    const bool has_fields = unsaid || may_be(structure, "video/x-raw,interlace-mode={interleaved,mixed}");
    if (unsaid || !has_fields || may_be(structure, "video/x-raw,interlace-mode={progressive,fields,alternate}"))
      gst_caps_append_structure_full(result, gst_structure_copy(structure), gst_caps_features_copy(features));
    if (!has_fields) continue;
    GstStructure* doubled = gst_structure_copy(structure);
    scale_rate(doubled, true);
    gst_caps_append_structure_full(result, doubled, gst_caps_features_copy(features));
  }
  return result;
}

bool interleaves_fields(const GstVideoInfo& info) {
  const auto mode = GST_VIDEO_INFO_INTERLACE_MODE(&info);
  return mode == GST_VIDEO_INTERLACE_MODE_INTERLEAVED || mode == GST_VIDEO_INTERLACE_MODE_MIXED;
}

}  // namespace reddiff
