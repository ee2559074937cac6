// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/compression.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

namespace reddiff {
namespace {

struct Named {
  const char* word;  // of GST_TAG_VIDEO_CODEC
  double strength;   // noise that suits one bit per pixel
};

// See compressed.md for what these come from. The first word that is found counts: FFmpeg's name of H.264 has MPEG-4 in it.
constexpr Named codecs[] = {{"H.264", 0.95},  {"AVC", 0.95},    {"H.265", 0.75},  {"HEVC", 0.75},
                            {"MPEG-4", 1.55}, {"MPEG-2", 1.75}, {"MPEG-1", 1.75}, {"JPEG", 3.4},
                            {"H.263", 1.75},  {"VP8", 1.1},     {"VP9", 0.85},    {"AV1", 0.7}};
constexpr double exponent = -0.55;
constexpr double strongest = 15;

// Caps of a transport stream may claim a thousand times this.
constexpr double most_frames = 300;
// Of the frames whose times are taken into a mean.
constexpr double memory = 50;

// Of what is left when pixels become fewer: errors of neighbours are alike, else it were 1 / 2.
constexpr double kept_exponent = 1.0 / 3;

// log2 of the errors at the same quantiser, beside what H.264's scale says of all of them.
double offset(Codec codec) {
  switch (codec) {
    case Codec::h264:
      return 0.67;
    case Codec::hevc:
      return 0.34;
    case Codec::mpeg12:
      return 0.92;
    case Codec::mpeg4:
      return 1.07;
    case Codec::jpeg:
      return 0.62;
    case Codec::vp8:
      return 1.68;
    case Codec::vp9:
    case Codec::av1:
      return 0.38;
  }
  return 0;
}

}  // namespace

double compression_error(Codec codec, double scale_qp) {
  return std::min(strongest, std::exp2(0.62 * scale_qp / 6 - 1.15 + offset(codec)));
}

double left_by_scaling(int coded_width, int coded_height, int width, int height) {
  // A picture may have been turned on its side.
  if ((coded_width > coded_height) != (width > height)) std::swap(width, height);
  const double across = static_cast<double>(width) / coded_width, down = static_cast<double>(height) / coded_height;
  // Cut, not scaled, where only one side is shorter or both differ.
  constexpr double alike = 1.03;
  if (std::max(across, down) >= 1 || std::max(across, down) > alike * std::min(across, down)) return 1;
  return std::pow(across * down, kept_exponent);
}

void Compression::on_event(GstEvent* event) {
  if (GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START) clear();
  if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT || GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP)
    last_time_ = GST_CLOCK_TIME_NONE;
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
                                     [&name](const Named& c) { return std::strstr(name, c.word) != nullptr; });
    strength_ = codec == std::end(codecs) ? 0 : codec->strength;
  }
  guint bitrate = 0;
  if (gst_tag_list_get_uint(tags, GST_TAG_BITRATE, &bitrate) ||
      gst_tag_list_get_uint(tags, GST_TAG_NOMINAL_BITRATE, &bitrate))
    bitrate_ = bitrate;
}

double Compression::frame_rate(const GstVideoInfo& info) const {
  if (GST_VIDEO_INFO_FPS_D(&info) > 0 && GST_VIDEO_INFO_FPS_N(&info) > 0) {
    const double rate = static_cast<double>(GST_VIDEO_INFO_FPS_N(&info)) / GST_VIDEO_INFO_FPS_D(&info);
    if (rate <= most_frames) return rate;
  }
  return frame_seconds_ > 0 ? 1 / frame_seconds_ : 0;
}

void Compression::on_time(const GstBuffer* buffer) {
  const GstClockTime now = GST_BUFFER_PTS(buffer), before = last_time_;
  last_time_ = now;
  double seconds = 0;
  if (GST_BUFFER_DURATION_IS_VALID(buffer) && GST_BUFFER_DURATION(buffer) > 0)
    seconds = static_cast<double>(GST_BUFFER_DURATION(buffer)) / GST_SECOND;
  else if (GST_CLOCK_TIME_IS_VALID(now) && GST_CLOCK_TIME_IS_VALID(before) && now > before)
    seconds = static_cast<double>(now - before) / GST_SECOND;
  if (seconds <= 1 / most_frames) return;
  seconds = std::min(seconds, 1.0);  // a gap in the stream is not a long frame
  times_ = std::min(times_ + 1, memory);
  frame_seconds_ += (seconds - frame_seconds_) / times_;
}

CompressionNoise Compression::of_frame(const GstVideoInfo& info, GstBuffer* buffer) {
  on_time(buffer);
  const int width = GST_VIDEO_INFO_WIDTH(&info), height = GST_VIDEO_INFO_HEIGHT(&info);
  if (was_restored(buffer)) return {};
  CodedFacts facts;
  if (read_bitstream_meta(buffer, facts)) {
    const double left = left_by_scaling(facts.width, facts.height, width, height);
    return {left * compression_error(facts.codec, facts.reference_qp), "compression-qp"};
  }
  const double pixels = frame_rate(info) * width * height;
  if (strength_ == 0 || bitrate_ == 0 || pixels == 0) return {};
  return {std::min(strongest, strength_ * std::pow(bitrate_ / pixels, exponent)), "compression-codec"};
}

}  // namespace reddiff
