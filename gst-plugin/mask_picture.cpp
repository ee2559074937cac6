// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/mask_picture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <gst/video/video.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "core/api/config.h"
#include "core/api/error.h"
#include "gst-plugin/orientation.h"

namespace reddiff {
namespace {

constexpr GstClockTime patience = 10 * GST_SECOND, between_looks = 50 * GST_MSECOND;
// A file of 100 kB may say that it holds a thousand million pixels, and decoders would believe it.
constexpr gint64 most_pixels = gint64{8192} * 8192;

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

[[noreturn]] void refuse_by(GstMessage* message, const std::string& location) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_APPLICATION) {
    gint width = 0, height = 0;
    gst_structure_get(gst_message_get_structure(message), "width", G_TYPE_INT, &width, "height", G_TYPE_INT, &height,
                      nullptr);
    refuse_size(location, width, height);
  }
  g_autoptr(GError) error = nullptr;
  g_autofree gchar* debug = nullptr;
  gst_message_parse_error(message, &error, &debug);
  refuse(location, std::string(error->message) + (debug ? std::string("; ") + debug : ""));
}

// Waits until the first picture is there; anything else is an exception.
void wait_for_picture(GstElement* pipeline, const std::string& location, const std::atomic<bool>& abort) {
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  g_autoptr(GstMessage) message = nullptr;
  for (GstClockTime waited = 0; !message && waited < patience && !abort; waited += between_looks)
    message = gst_bus_timed_pop_filtered(
        bus, between_looks, GstMessageType(GST_MESSAGE_ERROR | GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_APPLICATION));
  if (abort) throw Error(ErrorCode::aborted, "reading the mask was stopped");
  if (!message) refuse(location, "no picture within 10 seconds");
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ASYNC_DONE) refuse_by(message, location);
}

bool is_known(const guint8* rgba) {
  const int brightness = 299 * rgba[0] + 587 * rgba[1] + 114 * rgba[2];
  return brightness >= least_known * 255000 && rgba[3] >= least_known * 255;
}

MaskPicture read_sample(GstSample* sample, const std::string& location) {
  GstVideoInfo info;
  GstVideoFrame frame;
  GstCaps* caps = gst_sample_get_caps(sample);
  if (!caps || !gst_video_info_from_caps(&info, caps) ||
      !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
    refuse(location, "the decoded picture could not be mapped");
  const std::unique_ptr<GstVideoFrame, decltype(&gst_video_frame_unmap)> mapped(&frame, gst_video_frame_unmap);
  MaskPicture picture{GST_VIDEO_FRAME_WIDTH(&frame), GST_VIDEO_FRAME_HEIGHT(&frame), {}};
  picture.known.reserve(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height));
  for (int y = 0; y < picture.height; ++y) {
    const auto* row = static_cast<const guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)) +
                      static_cast<gsize>(y) * static_cast<gsize>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0));
    for (int x = 0; x < picture.width; ++x) picture.known.push_back(is_known(row + 4 * x));
  }
  return picture;
}

// A quarter to the right.
MaskPicture turned(const MaskPicture& from) {
  MaskPicture to{from.height, from.width, {}};
  to.known.reserve(from.known.size());
  for (int y = 0; y < to.height; ++y)
    for (int x = 0; x < to.width; ++x)
      to.known.push_back(from.known[static_cast<std::size_t>(from.height - 1 - x) * from.width + y]);
  return to;
}

MaskPicture as_shown(MaskPicture picture, const std::string& orientation) {
  if (orientation.starts_with("flip-"))
    for (auto row = picture.known.begin(); row != picture.known.end(); row += picture.width)
      std::reverse(row, row + picture.width);
  for (const auto& [ending, quarters] : {std::pair{"-90", 1}, std::pair{"-180", 2}, std::pair{"-270", 3}})
    if (orientation.ends_with(ending))
      for (int i = 0; i < quarters; ++i) picture = turned(picture);
  return picture;
}

MaskPicture decode(const std::string& location, const std::atomic<bool>& abort) {
  const std::unique_ptr<GstElement, Stop> pipeline(gst_parse_launch_full(
      "filesrc name=file ! decodebin name=decoder ! videoconvert ! video/x-raw,format=RGBA ! fakesink name=picture "
      "sync=false",
      nullptr, GST_PARSE_FLAG_FATAL_ERRORS, nullptr));
  if (!pipeline)
    throw Error(ErrorCode::library,
                "reading a mask needs GStreamer's decodebin and videoconvert: install the base plugins");
  g_autoptr(GstElement) file = gst_bin_get_by_name(GST_BIN(pipeline.get()), "file");
  g_autoptr(GstElement) decoder = gst_bin_get_by_name(GST_BIN(pipeline.get()), "decoder");
  g_autoptr(GstElement) sink = gst_bin_get_by_name(GST_BIN(pipeline.get()), "picture");
  g_object_set(file, "location", location.c_str(), nullptr);
  g_signal_connect(decoder, "autoplug-continue", G_CALLBACK(check_size), nullptr);
  gst_element_set_state(pipeline.get(), GST_STATE_PAUSED);
  wait_for_picture(pipeline.get(), location, abort);
  g_autoptr(GstSample) sample = nullptr;
  g_object_get(sink, "last-sample", &sample, nullptr);
  if (!sample) refuse(location, "no picture in it");
  g_autoptr(GstPad) pad = gst_element_get_static_pad(sink, "sink");
  return as_shown(read_sample(sample, location), orientation_of(location, pad));
}

// What keeps `location` from being opened at all, told apart: a file that others may read is not missing.
void check_file(const std::string& location) {
  GStatBuf status;
  const bool there = g_stat(location.c_str(), &status) == 0;
  if ((!there && errno == EACCES) || (there && faccessat(AT_FDCWD, location.c_str(), R_OK, AT_EACCESS) != 0))
    throw Error(ErrorCode::open_read, "mask-location '" + location +
                                          "' is unreadable for this user; change the permissions of the file or of a "
                                          "folder it lies in");
  if (!there)
    throw Error(ErrorCode::not_found, "mask-location '" + location + "' does not exist; set it to a picture file");
  // Opening a fifo would wait for a writer.
  if (!S_ISREG(status.st_mode)) refuse(location, "not a regular file");
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
  check_file(location);
  return decode(location, abort);
}

}  // namespace reddiff
