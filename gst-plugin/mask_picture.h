// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A picture file as a mask.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <string>
#include <vector>

namespace reddiff {

struct MaskPicture {
  int width = 0, height = 0;
  std::vector<guint8> known;  // row by row; 0 = missing: below least_known of brightness or of alpha

  // The nearest pixel of the picture for each of a frame's.
  std::vector<guint8> scaled_to(int frame_width, int frame_height) const;
};

// Decodes the first picture of `location` with GStreamer's own elements, turned as its orientation tag says. Throws Error{not_found, open_read}, Error{aborted}
// soon after `abort` is set.
MaskPicture read_mask_picture(const std::string& location, const std::atomic<bool>& abort);

}  // namespace reddiff
