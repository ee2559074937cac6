// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/mask_picture.h"

#include <gst/video/video.h>

#include <memory>

#include "core/api/error.h"

namespace reddiff {
namespace {

constexpr GstClockTime patience = 10 * GST_SECOND, between_looks = 50 * GST_MSECOND;
// A file of 100 kB may say that it holds a thousand million pixels, and decoders would believe it.
constexpr gint64 most_pixels = gint64{8192} * 8192;

struct Unref {
  void operator()(GstElement* element) const { gst_object_unref(element); }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
template <typename T> using Owned = std::unique_ptr<T, Unref>;

struct Stop {
  void operator()(GstElement* pipeline) const {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
  }
};

[[noreturn]] void refuse(const std::string& location, const std::string& detail) {
  throw Error(ErrorCode::open_read,
              "mask-location '" + location +
                  "' could not be read as a picture; choose a PNG, JPEG or another file for which a GStreamer decoder "
                  "is installed",
              detail);
}

[[noreturn]] void refuse_size(const std::string& location, int width, int height) {
  throw Error(ErrorCode::open_read, "mask-location '" + location + "' is a picture of " + std::to_string(width) + "x" +
                                        std::to_string(height) + " pixels, and not more than " +
                                        std::to_string(most_pixels) +
                                        " (8192x8192) are read; scale it down to the size of the video");
}

// Called for every pad of decodebin whose caps become known: what the file's header says, what a parser found, what a decoder is
// about to send, always before memory for the picture is taken. A size that is too large goes to the bus, and nothing to anyone
// else: the pad stays blocked until the pipeline ends.
gboolean check_size(GstElement* decodebin, GstPad* pad, GstCaps* caps, gpointer) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  gint width = 0, height = 0;
  if (!gst_structure_get(structure, "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height, nullptr)) return TRUE;
  if (gint64{width} * height <= most_pixels) return TRUE;
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; },
      nullptr, nullptr);
  GstStructure* size =
      gst_structure_new("too-large", "width", G_TYPE_INT, width, "height", G_TYPE_INT, height, nullptr);
  gst_element_post_message(decodebin, gst_message_new_application(GST_OBJECT(decodebin), size));
  return FALSE;
}

// Waits until the first picture is there; anything else is an exception.
void wait_for_picture(GstElement* pipeline, const std::string& location, const std::atomic<bool>& abort) {
  struct UnrefMessage {
    void operator()(GstMessage* message) const { gst_message_unref(message); }
  };
  GstBus* bus = gst_element_get_bus(pipeline);
  std::unique_ptr<GstMessage, UnrefMessage> message;
  for (GstClockTime waited = 0; !message && waited < patience && !abort; waited += between_looks)
    message.reset(gst_bus_timed_pop_filtered(
        bus, between_looks, GstMessageType(GST_MESSAGE_ERROR | GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_APPLICATION)));
  gst_object_unref(bus);
  if (abort) throw Error(ErrorCode::aborted, "reading the mask was stopped");
  if (!message) refuse(location, "no picture within 10 seconds");
  if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_APPLICATION) {
    gint width = 0, height = 0;
    gst_structure_get(gst_message_get_structure(message.get()), "width", G_TYPE_INT, &width, "height", G_TYPE_INT,
                      &height, nullptr);
    refuse_size(location, width, height);
  }
  if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gchar* debug = nullptr;
    gst_message_parse_error(message.get(), &error, &debug);
    const std::string text = std::string(error->message) + (debug ? std::string("; ") + debug : "");
    g_error_free(error);
    g_free(debug);
    refuse(location, text);
  }
}

Owned<GstSample> decode(const std::string& location, const std::atomic<bool>& abort) {
  const std::unique_ptr<GstElement, Stop> pipeline(gst_parse_launch_full(
      "filesrc name=file ! decodebin name=decoder ! videoconvert ! video/x-raw,format=RGBA ! fakesink name=picture "
      "sync=false",
      nullptr, GST_PARSE_FLAG_FATAL_ERRORS, nullptr));
  if (!pipeline)
    throw Error(ErrorCode::library,
                "reading a mask needs GStreamer's decodebin and videoconvert: install the base plugins");
  const auto child = [&](const char* name) {
    return Owned<GstElement>(gst_bin_get_by_name(GST_BIN(pipeline.get()), name));
  };
  g_object_set(child("file").get(), "location", location.c_str(), nullptr);
  g_signal_connect(child("decoder").get(), "autoplug-continue", G_CALLBACK(check_size), nullptr);
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  wait_for_picture(pipeline.get(), location, abort);
  GstSample* sample = nullptr;
  g_object_get(child("picture").get(), "last-sample", &sample, nullptr);
  if (!sample) refuse(location, "no picture in it");
  return Owned<GstSample>(sample);
}

bool is_known(const guint8* rgba) {
  const int brightness = 299 * rgba[0] + 587 * rgba[1] + 114 * rgba[2];
  return brightness >= 127500 && rgba[3] >= 128;
}

}  // namespace

std::vector<guint8> MaskPicture::scaled_to(int frame_width, int frame_height) const {
  std::vector<guint8> scaled(static_cast<std::size_t>(frame_width) * static_cast<std::size_t>(frame_height));
  auto* out = scaled.data();
  for (gint64 y = 0; y < frame_height; ++y)
    for (gint64 x = 0; x < frame_width; ++x)
      *out++ = known[static_cast<std::size_t>((2 * y + 1) * height / (2 * frame_height) * width +
                                              (2 * x + 1) * width / (2 * frame_width))];
  return scaled;
}

MaskPicture read_mask_picture(const std::string& location, const std::atomic<bool>& abort) {
  if (!g_file_test(location.c_str(), G_FILE_TEST_EXISTS))
    throw Error(ErrorCode::not_found, "mask-location '" + location + "' does not exist; set it to a picture file");
  // Opening a fifo would wait for a writer.
  if (!g_file_test(location.c_str(), G_FILE_TEST_IS_REGULAR)) refuse(location, "not a regular file");
  const auto sample = decode(location, abort);
  GstVideoInfo info;
  GstVideoFrame frame;
  GstCaps* caps = gst_sample_get_caps(sample.get());
  if (!caps || !gst_video_info_from_caps(&info, caps) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample.get()), GST_MAP_READ))
    refuse(location, "the decoded picture could not be mapped");
  MaskPicture picture;
  picture.width = GST_VIDEO_FRAME_WIDTH(&frame);
  picture.height = GST_VIDEO_FRAME_HEIGHT(&frame);
  picture.known.reserve(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height));
  for (int y = 0; y < picture.height; ++y) {
    const auto* row = static_cast<const guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)) +
                      static_cast<gsize>(y) * static_cast<gsize>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0));
    for (int x = 0; x < picture.width; ++x) picture.known.push_back(is_known(row + 4 * x));
  }
  gst_video_frame_unmap(&frame);
  return picture;
}

}  // namespace reddiff
