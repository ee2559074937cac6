// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which pixels of a frame are missing, where the alpha channel does not say it: a picture file, or the buffer's regions of interest.
#pragma once

#include <gst/video/video.h>

#include <atomic>
#include <string>
#include <vector>

#include "core/api/config.h"
#include "gst-plugin/mask_picture.h"

namespace reddiff {

class Mask {
 public:
  void clear() { *this = Mask(); }

  // Reads the picture that `config` names, if it names another one than before. Throws as read_mask_picture does.
  void load(const Config& config, const std::atomic<bool>& abort);

  // 0 for each missing pixel, row by row, valid until the next call; nullptr when the mask is none of this class. Of a picture: the one
  // that was loaded; `element` warns where it has not the frames' size.
  const guint8* for_frame(GstElement* element, const Config& config, const GstVideoInfo& info, GstBuffer* buffer);

 private:
  const guint8* from_picture(GstElement* element, const GstVideoInfo& info);
  const guint8* from_regions(const std::string& type, const GstVideoInfo& info, GstBuffer* buffer);

  std::string location_;
  MaskPicture picture_;
  std::vector<guint8> known_;  // of the last frame's size
  int width_ = 0, height_ = 0;
};

}  // namespace reddiff
