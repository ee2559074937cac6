// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Bytes of a fuzzer read as choices, and what they choose for an element: caps, buffers, numbers for properties. Bytes that have
// run out read as zero.
#pragma once

#include <gst/video/video.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gst-plugin/caps.h"

namespace fuzz {

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

  bool empty() const { return left_ == 0; }
  std::uint8_t byte() { return left_ == 0 ? 0 : (--left_, *data_++); }
  unsigned below(unsigned n) { return (byte() | byte() << 8) % n; }
  bool flag() { return byte() & 1; }

  // Small, near a border, or anything.
  std::uint64_t number() {
    const std::uint8_t kind = byte();
    if (kind < 128) return kind * 40000000ull;
    if (kind < 160) return ~std::uint64_t{0} - (kind - 128);
    if (kind < 192) return (std::uint64_t{1} << (kind % 64)) - 1;
    std::uint64_t all = 0;
    for (int i = 0; i < 8; ++i) all = all << 8 | byte();
    return all;
  }

  std::string text() {
    std::string result;
    for (unsigned left = below(60); left > 0 && !empty(); --left)
      if (const char c = static_cast<char>(byte())) result += c;
    return result;
  }

  template <std::size_t n> const char* one_of(const char* const (&list)[n]) { return list[below(n)]; }
  const char* one_of(const std::vector<const char*>& list) { return list[below(static_cast<unsigned>(list.size()))]; }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

// Video caps, fixed, of at most 20x20 pixels.
inline GstCaps* some_caps(Bytes& bytes, GstVideoInfo* info) {
  static const char* const colours[] = {"bt601", "bt709",   "smpte240m", "bt2020",
                                        "sRGB",  "1:4:0:0", "2:3:5:1",   "1:1:16:4"};
  static const char* const sites[] = {"jpeg", "mpeg2", "cosited", "dv", "none"};
  gchar** formats = g_strsplit_set(reddiff::raw_formats, "{}, ", -1);
  std::string text = "video/x-raw,format=";
  const guint count = g_strv_length(formats);
  const gchar* format = formats[bytes.below(count)];
  text += *format ? format : "I420";
  g_strfreev(formats);
  text += ",width=" + std::to_string(1 + bytes.below(20)) + ",height=" + std::to_string(1 + bytes.below(20));
  text += bytes.flag() ? ",framerate=25/1" : ",framerate=0/1";
  if (bytes.flag()) text += std::string(",colorimetry=") + bytes.one_of(colours);
  if (bytes.flag()) text += std::string(",chroma-site=") + bytes.one_of(sites);
  GstCaps* caps = gst_caps_from_string(text.c_str());
  if (!gst_video_info_from_caps(info, caps)) g_error("%s", text.c_str());
  return caps;
}

inline void some_meta(Bytes& bytes, GstBuffer* buffer, GstVideoInfo info) {
  GstVideoMeta* meta = gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
                                                      GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info),
                                                      GST_VIDEO_INFO_N_PLANES(&info), info.offset, info.stride);
  for (unsigned changes = bytes.below(4); changes > 0; --changes) {
    const unsigned plane = bytes.below(4);
    switch (bytes.below(7)) {
      case 0:
        meta->stride[plane] = static_cast<gint>(bytes.number());
        break;
      case 1:
        meta->stride[plane] += static_cast<gint>(bytes.below(64)) - 32;
        break;
      case 2:
        meta->offset[plane] = bytes.number();
        break;
      case 3:
        meta->offset[plane] += bytes.below(64);
        break;
      case 4:
        meta->n_planes = bytes.below(5);
        break;
      case 5:
        meta->format = static_cast<GstVideoFormat>(bytes.below(100));
        break;
      default:
        meta->width = bytes.below(40);
        meta->height = bytes.below(40);
    }
  }
}

// A frame, more or less: of the right size or not, in pieces, with metas of any kind.
inline GstBuffer* some_buffer(Bytes& bytes, const GstVideoInfo& info) {
  const gsize size = GST_VIDEO_INFO_SIZE(&info);
  const unsigned kind = bytes.below(8);
  const gsize length = kind == 0 ? bytes.below(static_cast<unsigned>(size) + 64) : size;
  GstBuffer* buffer = gst_buffer_new();
  if (kind == 1) {  // two pieces, the first of any length
    const gsize cut = bytes.below(static_cast<unsigned>(length) + 1);
    gst_buffer_append_memory(buffer, gst_allocator_alloc(nullptr, cut, nullptr));
    gst_buffer_append_memory(buffer, gst_allocator_alloc(nullptr, length - cut, nullptr));
  } else if (length > 0) {
    gst_buffer_append_memory(buffer, gst_allocator_alloc(nullptr, length, nullptr));
  }
  gst_buffer_memset(buffer, 0, bytes.byte(), length);
  for (gsize at = 0; at < length; at += 1 + bytes.byte() * 4u) gst_buffer_memset(buffer, at, bytes.byte(), 7);
  if (kind == 2 || kind == 3) some_meta(bytes, buffer, info);
  if (kind == 4)
    gst_buffer_add_video_region_of_interest_meta(buffer, "r", static_cast<guint>(bytes.number()),
                                                 static_cast<guint>(bytes.number()), static_cast<guint>(bytes.number()),
                                                 static_cast<guint>(bytes.number()));
  GST_BUFFER_PTS(buffer) = bytes.number();
  GST_BUFFER_DURATION(buffer) = bytes.number();
  if (bytes.flag()) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  if (bytes.flag()) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_RESYNC);
  if (kind == 5) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_GAP | GST_BUFFER_FLAG_CORRUPTED);
  return buffer;
}

// Any value the property allows: an end of its range, or one of 256 between.
inline void set_number(GstElement* element, const GParamSpec* spec, Bytes& bytes) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, spec->value_type);
  const double part = bytes.byte() / 255.0;
  if (const auto* d = G_IS_PARAM_SPEC_DOUBLE(spec) ? G_PARAM_SPEC_DOUBLE(spec) : nullptr)
    g_value_set_double(&value, d->minimum + part * (d->maximum - d->minimum));
  else if (const auto* i = G_IS_PARAM_SPEC_INT(spec) ? G_PARAM_SPEC_INT(spec) : nullptr)
    g_value_set_int(&value, i->minimum + static_cast<int>(part * (double(i->maximum) - i->minimum)));
  else if (const auto* e = G_IS_PARAM_SPEC_ENUM(spec) ? G_PARAM_SPEC_ENUM(spec) : nullptr)
    g_value_set_enum(&value, e->enum_class->values[bytes.byte() % e->enum_class->n_values].value);
  else if (const auto* f = G_IS_PARAM_SPEC_FLAGS(spec) ? G_PARAM_SPEC_FLAGS(spec) : nullptr)
    g_value_set_flags(&value, bytes.byte() & f->flags_class->mask);
  else if (G_VALUE_HOLDS_UINT64(&value))
    g_value_set_uint64(&value, bytes.number());
  else
    g_value_set_boolean(&value, bytes.flag());
  g_object_set_property(G_OBJECT(element), spec->name, &value);
  g_value_unset(&value);
}

}  // namespace fuzz
