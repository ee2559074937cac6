// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the tests of masks share: a picture with a hole, and a frame that is soiled where the hole is.
#pragma once

#include <string>
#include <vector>

#include "tests/check/failures.h"
#include "tests/check/folder.h"

namespace check {

inline const std::string mask_caps = caps_text("RGB", 64, 48);
inline const std::string inpaint = "reddiff task=inpaint prior=dct steps=2 temporal=none ";

// An RGBA picture as PNG; `value` says each component of each pixel.
template <typename Value>
std::string write_png(const Folder& folder, const std::string& name, int width, int height, Value value) {
  const GstVideoInfo info = info_of(caps_text("RGBA", width, height));
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE));
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 4; ++c) set_sample(frame, c, x, y, static_cast<guint>(value(x, y, c)));
  gst_video_frame_unmap(&frame);
  GstHarness* h = gst_harness_new_parse("pngenc snapshot=false");
  gst_harness_set_src_caps_str(h, caps_text("RGBA", width, height).c_str());
  GstBuffer* png = gst_harness_push_and_pull(h, buffer);
  fail_unless(png != nullptr);
  const auto all = bytes(png);
  gst_buffer_unref(png);
  gst_harness_teardown(h);
  return folder.write(name, std::string(all.begin(), all.end()));
}

// White with a hole in the middle third of both axes; the hole is black, or transparent.
inline std::string write_mask(const Folder& folder, const std::string& name, int width, int height, bool transparent) {
  return write_png(folder, name, width, height, [&](int x, int y, int c) {
    const bool hole = x >= width / 3 && x < 2 * width / 3 && y >= height / 3 && y < 2 * height / 3;
    return hole && (c == 3) == transparent ? 0 : 255;
  });
}

// A smooth picture with a red block where the mask's hole is.
inline GstBuffer* soiled(int index) {
  const GstVideoInfo info = info_of(mask_caps);
  GstBuffer* buffer = picture(info, index, 0);
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
  for (int y = 16; y < 32; ++y)
    for (int x = 21; x < 42; ++x)
      for (int c = 0; c < 3; ++c) set_sample(frame, c, x, y, c == 0 ? 255 : 0);
  gst_video_frame_unmap(&frame);
  return buffer;
}

inline double distance_to_clean(const std::vector<guint8>& bytes) {
  const GstVideoInfo info = info_of(mask_caps);
  GstBuffer* clean = picture(info, 0, 0);
  const auto want = check::bytes(clean);
  gst_buffer_unref(clean);
  fail_unless_equals_uint64(want.size(), bytes.size());
  double sum = 0;
  for (std::size_t i = 0; i < want.size(); ++i) sum += std::abs(want[i] - bytes[i]);
  return sum / static_cast<double>(want.size());
}

}  // namespace check
