// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/mask.h"

#include <algorithm>

namespace reddiff {

void Mask::load(const Config& config, const std::atomic<bool>& abort) {
  if (resolve_mask(config) != MaskSource::file || config.mask_location == location_) return;
  picture_ = read_mask_picture(config.mask_location, abort);
  location_ = config.mask_location;
  width_ = height_ = 0;
}

const guint8* Mask::for_frame(GstElement* element, const Config& config, const GstVideoInfo& info, GstBuffer* buffer) {
  switch (resolve_mask(config)) {
    case MaskSource::file:
      return from_picture(element, info);
    case MaskSource::roi:
      return from_regions(config.mask_roi_type, info, buffer);
    default:
      return nullptr;
  }
}

const guint8* Mask::from_picture(GstElement* element, const GstVideoInfo& info) {
  const int width = GST_VIDEO_INFO_WIDTH(&info), height = GST_VIDEO_INFO_HEIGHT(&info);
  if (width == width_ && height == height_) return known_.data();
  known_ = picture_.scaled_to(width, height);
  width_ = width;
  height_ = height;
  if (width != picture_.width || height != picture_.height)
    GST_ELEMENT_WARNING(element, RESOURCE, SETTINGS,
                        ("The mask is %dx%d pixels, the video %dx%d: the mask is scaled.", picture_.width,
                         picture_.height, width, height),
                        ("%s", location_.c_str()));
  return known_.data();
}

const guint8* Mask::from_regions(const std::string& type, const GstVideoInfo& info, GstBuffer* buffer) {
  const auto width = static_cast<guint>(GST_VIDEO_INFO_WIDTH(&info)),
             height = static_cast<guint>(GST_VIDEO_INFO_HEIGHT(&info));
  known_.assign(static_cast<std::size_t>(width) * height, 1);
  width_ = height_ = 0;
  const GQuark wanted = type.empty() ? 0 : g_quark_try_string(type.c_str());
  if (!type.empty() && wanted == 0) return known_.data();  // no such region was ever made in this process
  gpointer state = nullptr;
  while (GstMeta* meta = gst_buffer_iterate_meta_filtered(buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)) {
    const auto* region = reinterpret_cast<const GstVideoRegionOfInterestMeta*>(meta);
    if (wanted != 0 && region->roi_type != wanted) continue;
    const guint left = std::min(region->x, width), top = std::min(region->y, height);
    const guint right = left + std::min(region->w, width - left), bottom = top + std::min(region->h, height - top);
    for (guint y = top; y < bottom; ++y)
      std::fill(known_.begin() + static_cast<std::ptrdiff_t>(y) * width + left,
                known_.begin() + static_cast<std::ptrdiff_t>(y) * width + right, guint8{0});
  }
  return known_.data();
}

}  // namespace reddiff
