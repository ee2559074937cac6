// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the gst-check tests share: elements from a launch line in a harness, test pictures, comparison of what is visible,
// messages.
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace check {

constexpr GstClockTime frame_time = 40 * GST_MSECOND;

// Quick and without files; for all tests that do not look at the quality of the picture.
constexpr const char* fast = "reddiff prior=dct steps=2 noise=10 ";

// The same, enlarging.
inline std::string fast_scaled(int scale) {
  return fast + (scale == 1 ? std::string() : "operator=bicubic:factor=" + std::to_string(scale));
}

// One element from a launch line, started, between two pads; its messages go to `bus`.
class Harness {
 public:
  explicit Harness(const std::string& line) {
    GError* error = nullptr;
    element_ = gst_parse_launch(line.c_str(), &error);
    fail_unless(element_ != nullptr && error == nullptr, "%s: %s", line.c_str(), error ? error->message : "?");
    bus_ = gst_bus_new();
    gst_element_set_bus(element_, bus_);
    h = gst_harness_new_with_element(element_, "sink", "src");
  }
  ~Harness() {
    gst_harness_teardown(h);
    gst_element_set_bus(element_, nullptr);
    gst_object_unref(element_);
    gst_object_unref(bus_);
  }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  GstElement* element() const { return element_; }
  GstBus* bus() const { return bus_; }

  void caps(const std::string& text) { gst_harness_set_src_caps_str(h, text.c_str()); }

  guint64 stat(const std::string& field) const {
    GstStructure* stats = nullptr;
    g_object_get(element_, "stats", &stats, nullptr);
    guint64 value = 0;
    fail_unless(gst_structure_get_uint64(stats, field.c_str(), &value), "no field %s", field.c_str());
    gst_structure_free(stats);
    return value;
  }

  gdouble measured(const std::string& field) const {
    GstStructure* stats = nullptr;
    g_object_get(element_, "stats", &stats, nullptr);
    gdouble value = 0;
    fail_unless(gst_structure_get_double(stats, field.c_str(), &value), "no field %s", field.c_str());
    gst_structure_free(stats);
    return value;
  }

  GstHarness* h;

 private:
  GstElement* element_;
  GstBus* bus_;
};

inline std::string caps_text(const std::string& format, int width, int height, const std::string& more = "") {
  return "video/x-raw,format=" + format + ",width=" + std::to_string(width) + ",height=" + std::to_string(height) +
         ",framerate=25/1" + more;
}

inline GstVideoInfo info_of(const std::string& text) {
  GstVideoInfo info;
  GstCaps* caps = gst_caps_from_string(text.c_str());
  fail_unless(caps && gst_video_info_from_caps(&info, caps), "%s", text.c_str());
  gst_caps_unref(caps);
  return info;
}

inline GstVideoInfo current_info(GstPad* pad) {
  GstVideoInfo info;
  GstCaps* caps = gst_pad_get_current_caps(pad);
  fail_unless(caps && gst_video_info_from_caps(&info, caps));
  gst_caps_unref(caps);
  return info;
}

// What Harness::h received last is described by the caps of its own sink pad.
inline GstVideoInfo out_info(const Harness& harness) { return current_info(harness.h->sinkpad); }

// First byte of one sample. The second chroma of P010 and its like lies 2 bytes after the first; GStreamer 1.22 says 1.
inline guint8* address(const GstVideoFrame& f, int c, int x, int y) {
  const bool wrong = GST_VIDEO_FRAME_COMP_DEPTH(&f, c) > 8 && GST_VIDEO_FRAME_COMP_POFFSET(&f, c) == 1;
  return static_cast<guint8*>(GST_VIDEO_FRAME_COMP_DATA(&f, c)) + (wrong ? 1 : 0) +
         static_cast<gssize>(y) * GST_VIDEO_FRAME_COMP_STRIDE(&f, c) + x * GST_VIDEO_FRAME_COMP_PSTRIDE(&f, c);
}

// Code value of one sample.
inline guint sample(const GstVideoFrame& f, int c, int x, int y) {
  const guint8* p = address(f, c, x, y);
  if (GST_VIDEO_FRAME_COMP_DEPTH(&f, c) <= 8) return *p;
  return (p[0] | p[1] << 8) >> GST_VIDEO_FORMAT_INFO_SHIFT(f.info.finfo, c);
}

inline void set_sample(GstVideoFrame& f, int c, int x, int y, guint value) {
  guint8* p = address(f, c, x, y);
  if (GST_VIDEO_FRAME_COMP_DEPTH(&f, c) <= 8) {
    *p = value;
  } else {
    value <<= GST_VIDEO_FORMAT_INFO_SHIFT(f.info.finfo, c);
    p[0] = value & 255;
    p[1] = value >> 8;
  }
}

// A smooth picture within the legal range of every component and different in each; `alpha` in 0..1.
inline void paint(GstVideoFrame& f, int phase, double alpha = 1) {
  const bool has_alpha = GST_VIDEO_FRAME_N_COMPONENTS(&f) == 4;
  for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(&f); ++c) {
    const int shift = GST_VIDEO_FRAME_COMP_DEPTH(&f, c) - 8;
    const double xs = 64.0 / GST_VIDEO_FRAME_COMP_WIDTH(&f, c), ys = 48.0 / GST_VIDEO_FRAME_COMP_HEIGHT(&f, c);
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&f, c); ++y)
      for (int x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH(&f, c); ++x) {
        const double wave = std::sin(0.05 * (x * xs + phase) + c) * std::cos(0.04 * (y * ys) + 0.5 * c);
        const double value = has_alpha && c == 3 ? 255 * alpha : 128 + 40 * wave + 5.0 * c;
        set_sample(f, c, x, y, static_cast<guint>(std::lround(value)) << shift);
      }
  }
}

// Frame number `index` of a test stream. The bytes no component uses hold 0xA5.
inline GstBuffer* picture(const GstVideoInfo& info, int index, int phase, double alpha = 1) {
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_memset(buffer, 0, 0xA5, GST_VIDEO_INFO_SIZE(&info));
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
  paint(frame, phase, alpha);
  gst_video_frame_unmap(&frame);
  GST_BUFFER_PTS(buffer) = index * frame_time;
  GST_BUFFER_DURATION(buffer) = frame_time;
  return buffer;
}

inline std::vector<guint8> bytes(GstBuffer* buffer) {
  std::vector<guint8> all(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, all.data(), all.size());
  return all;
}

struct Errors {
  int count = 0;
  GQuark domain = 0;
  gint code = 0;
  std::string text, debug;
};

// Takes the messages of one type, errors or warnings, that `source` posted (nullptr: anyone) off the bus.
inline Errors take_messages(GstBus* bus, GstMessageType type, const GstElement* source = nullptr) {
  Errors errors;
  while (GstMessage* message = gst_bus_pop_filtered(bus, type)) {
    if (!source || GST_MESSAGE_SRC(message) == GST_OBJECT_CAST(source)) {
      GError* error = nullptr;
      gchar* debug = nullptr;
      (type == GST_MESSAGE_ERROR ? gst_message_parse_error : gst_message_parse_warning)(message, &error, &debug);
      ++errors.count;
      errors.domain = error->domain;
      errors.code = error->code;
      errors.text = error->message;
      errors.debug = debug ? debug : "";
      g_error_free(error);
      g_free(debug);
    }
    gst_message_unref(message);
  }
  return errors;
}

inline Errors take_errors(GstBus* bus, const GstElement* source = nullptr) {
  return take_messages(bus, GST_MESSAGE_ERROR, source);
}

// Pushes one frame and returns the bytes that come out.
inline std::vector<guint8> process(Harness& harness, GstBuffer* buffer) {
  const GstFlowReturn flow = gst_harness_push(harness.h, buffer);
  fail_unless(flow == GST_FLOW_OK, "%s: %s", gst_flow_get_name(flow), take_errors(harness.bus()).text.c_str());
  GstBuffer* out = gst_harness_try_pull(harness.h);
  fail_unless(out != nullptr);
  std::vector<guint8> all = bytes(out);
  gst_buffer_unref(out);
  return all;
}

// `count` frames of a moving picture from timestamp index `from`; the bytes of each.
inline std::vector<std::vector<guint8>> stream(Harness& harness, const std::string& caps, int count, int from = 0) {
  const GstVideoInfo info = info_of(caps);
  std::vector<std::vector<guint8>> out;
  for (int i = 0; i < count; ++i) out.push_back(process(harness, picture(info, from + i, 2 * i)));
  return out;
}

inline Errors take_warnings(GstBus* bus) { return take_messages(bus, GST_MESSAGE_WARNING); }

inline std::vector<std::string> words(const char* list) {
  std::vector<std::string> found;
  gchar** parts = g_strsplit_set(list, "{}, ", -1);
  for (gchar** part = parts; *part; ++part)
    if (**part) found.emplace_back(*part);
  g_strfreev(parts);
  return found;
}

}  // namespace check
