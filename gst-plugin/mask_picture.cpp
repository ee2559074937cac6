// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/mask_picture.h"

#include <gst/video/video.h>

#include <memory>

#include "core/api/error.h"

namespace reddiff {
namespace {

constexpr GstClockTime patience = 10 * GST_SECOND;

struct Unref {
  void operator()(GstElement* element) const {
    gst_element_set_state(element, GST_STATE_NULL);
    gst_object_unref(element);
  }
  void operator()(GstSample* sample) const { gst_sample_unref(sample); }
};
template <typename T> using Owned = std::unique_ptr<T, Unref>;

[[noreturn]] void refuse(const std::string& location, const std::string& detail) {
  throw Error(ErrorCode::open_read,
              "mask-location '" + location +
                  "' could not be read as a picture; choose a PNG, JPEG or another file for which a GStreamer decoder "
                  "is installed",
              detail);
}

std::string first_error(GstElement* pipeline) {
  std::string text = "no picture within 10 seconds";
  GstBus* bus = gst_element_get_bus(pipeline);
  if (GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR)) {
    GError* error = nullptr;
    gchar* debug = nullptr;
    gst_message_parse_error(message, &error, &debug);
    text = std::string(error->message) + (debug ? std::string("; ") + debug : "");
    g_error_free(error);
    g_free(debug);
    gst_message_unref(message);
  }
  gst_object_unref(bus);
  return text;
}

Owned<GstSample> decode(const std::string& location) {
  Owned<GstElement> pipeline(gst_parse_launch(
      "filesrc name=file ! decodebin ! videoconvert ! video/x-raw,format=RGBA ! fakesink name=picture sync=false",
      nullptr));
  if (!pipeline)
    throw Error(ErrorCode::library,
                "reading a mask needs GStreamer's decodebin and videoconvert: install the base plugins");
  GstElement* file = gst_bin_get_by_name(GST_BIN(pipeline.get()), "file");
  g_object_set(file, "location", location.c_str(), nullptr);
  gst_object_unref(file);
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  if (gst_element_get_state(pipeline.get(), nullptr, nullptr, patience) != GST_STATE_CHANGE_SUCCESS)
    refuse(location, first_error(pipeline.get()));
  GstSample* sample = nullptr;
  GstElement* sink = gst_bin_get_by_name(GST_BIN(pipeline.get()), "picture");
  g_object_get(sink, "last-sample", &sample, nullptr);
  gst_object_unref(sink);
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

MaskPicture read_mask_picture(const std::string& location) {
  if (!g_file_test(location.c_str(), G_FILE_TEST_EXISTS))
    throw Error(ErrorCode::not_found, "mask-location '" + location + "' does not exist; set it to a picture file");
  // Opening a fifo would wait for a writer.
  if (!g_file_test(location.c_str(), G_FILE_TEST_IS_REGULAR)) refuse(location, "not a regular file");
  const auto sample = decode(location);
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
