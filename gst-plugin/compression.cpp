// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/compression.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

namespace reddiff {
namespace {

struct Codec {
  const char* word;  // of GST_TAG_VIDEO_CODEC
  double strength;   // noise that suits one bit per pixel
};

// See compressed.md for what these come from.
constexpr Codec codecs[] = {{"H.264", 0.95}, {"AVC", 0.95}, {"H.265", 0.75}, {"HEVC", 0.75}};
constexpr double exponent = -0.55;
constexpr double strongest = 15;

}  // namespace

void Compression::on_event(GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START) clear();
  if (GST_EVENT_TYPE(event) != GST_EVENT_TAG) return;
  GstTagList* tags = nullptr;
  gst_event_parse_tag(event, &tags);
  on_tags(tags);
}

void Compression::on_tags(const GstTagList* tags) {
  if (gst_tag_list_get_scope(tags) != GST_TAG_SCOPE_STREAM) return;  // a container's bit rate has the sound in it
  g_autofree gchar* name = nullptr;
  if (gst_tag_list_get_string(tags, GST_TAG_VIDEO_CODEC, &name)) {
    const auto* codec = std::find_if(std::begin(codecs), std::end(codecs),
                                     [&name](const Codec& c) { return std::strstr(name, c.word) != nullptr; });
    strength_ = codec == std::end(codecs) ? 0 : codec->strength;
  }
  guint bitrate = 0;
  if (gst_tag_list_get_uint(tags, GST_TAG_BITRATE, &bitrate) ||
      gst_tag_list_get_uint(tags, GST_TAG_NOMINAL_BITRATE, &bitrate))
    bitrate_ = bitrate;
}

double Compression::noise(const GstVideoInfo& info) const {
  const double frames = GST_VIDEO_INFO_FPS_D(&info) > 0
                            ? static_cast<double>(GST_VIDEO_INFO_FPS_N(&info)) / GST_VIDEO_INFO_FPS_D(&info)
                            : 0;
  const double pixels = frames * GST_VIDEO_INFO_WIDTH(&info) * GST_VIDEO_INFO_HEIGHT(&info);
  if (strength_ == 0 || bitrate_ == 0 || pixels == 0) return 0;
  return std::min(strongest, strength_ * std::pow(bitrate_ / pixels, exponent));
}

}  // namespace reddiff
