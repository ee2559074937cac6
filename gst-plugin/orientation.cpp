// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/orientation.h"

#include <gst/tag/tag.h>

#include <fstream>
#include <string_view>

namespace reddiff {
namespace {

std::string orientation_in(const GstTagList* tags) {
  g_autofree gchar* text = nullptr;
  return tags && gst_tag_list_get_string(tags, GST_TAG_IMAGE_ORIENTATION, &text) ? text : "";
}

std::string first_bytes(const std::string& location) {
  constexpr std::size_t enough = 256 * 1024;  // Exif data comes first, and is not longer than 64 KiB
  std::string bytes(enough, '\0');
  std::ifstream file(location, std::ios::binary);
  file.read(bytes.data(), enough);
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

// What follows the word Exif in its segment of a JPEG file; empty where there is none.
std::string_view exif_of(std::string_view file) {
  constexpr std::string_view start("\xff\xd8", 2), word("Exif\0\0", 6);
  if (!file.starts_with(start)) return {};
  file.remove_prefix(start.size());
  const auto byte = [&file](std::size_t i) { return static_cast<guint8>(file[i]); };
  while (file.size() >= 4 && byte(0) == 0xff && byte(1) != 0xda) {  // from there on it is the picture
    const std::size_t size = byte(2) << 8 | byte(3);                // with these two bytes
    if (size < 2 || size + 2 > file.size()) return {};
    const std::string_view segment = file.substr(4, size - 2);
    if (byte(1) == 0xe1 && segment.starts_with(word)) return segment.substr(word.size());
    file.remove_prefix(size + 2);
  }
  return {};
}

}  // namespace

std::string orientation_of(const std::string& location, GstPad* pad) {
  for (guint i = 0;; ++i) {
    g_autoptr(GstEvent) event = gst_pad_get_sticky_event(pad, GST_EVENT_TAG, i);
    if (!event) break;
    GstTagList* tags = nullptr;
    gst_event_parse_tag(event, &tags);
    if (const std::string found = orientation_in(tags); !found.empty()) return found;
  }
  const std::string file = first_bytes(location);
  const std::string_view exif = exif_of(file);
  if (exif.empty()) return {};
  g_autoptr(GstBuffer) buffer = gst_buffer_new_memdup(exif.data(), exif.size());
  g_autoptr(GstTagList) tags = gst_tag_list_from_exif_buffer_with_tiff_header(buffer);
  return orientation_in(tags);
}

}  // namespace reddiff
