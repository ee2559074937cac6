// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The files that masks are read from: what they claim, who may read them, and how they are to be turned.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check/mask_util.h"

using check::inpaint;
using check::write_mask;

GST_START_TEST(wrong_pictures_are_one_clear_error) {
  const check::Folder folder;
  const std::string text = folder.write("text.png", "this is no picture"), empty = folder.write("empty.png", "");
  struct Case {
    std::string properties;
    GQuark domain;
    gint code;
    const char* word;
  };
  const Case cases[] = {
      {"mask-location=/nowhere/mask.png", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "does not exist"},
      {"mask-location=" + text, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, "could not be read"},
      {"mask-location=" + empty, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, "could not be read"},
      {"mask-location=" + folder.path(), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, "could not be read"},
      {"mask-location=/dev/zero", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, "could not be read"},
      {"mask-source=file", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "mask-location"},
      {"mask-source=none", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "mask-location"},
  };
  for (const Case& c : cases)
    check::expect_error(check::start_and_stop(inpaint + c.properties), c.properties, c.domain, c.code, c.word);
}
GST_END_TEST

static std::string big_endian(guint32 value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

static std::string png_chunk(const std::string& type_and_data) {
  guint32 crc = 0xffffffff;
  for (const char byte : type_and_data) {
    crc ^= static_cast<guint8>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return big_endian(static_cast<guint32>(type_and_data.size()) - 4) + type_and_data + big_endian(~crc);
}

// One bit a pixel; valid as far as it goes, which is ten rows.
static std::string large_png(guint32 width, guint32 height) {
  const std::size_t size = 10 * (1 + (width + 7) / 8);
  const auto low = static_cast<char>(size & 255), high = static_cast<char>(size >> 8);
  const std::string stored{'\x78', '\x01', '\x01', low, high, static_cast<char>(~low), static_cast<char>(~high)};
  return "\x89PNG\r\n\x1a\n" +
         png_chunk("IHDR" + big_endian(width) + big_endian(height) + std::string("\1\0\0\0\0", 5)) +
         png_chunk("IDAT" + stored + std::string(size, '\xff') + big_endian(1)) + png_chunk("IEND");
}

static gint64 most_memory() {
  const std::string status = check::read_file("/proc/self/status");
  return g_ascii_strtoll(status.c_str() + status.find("VmPeak:") + 7, nullptr, 10) / 1024;
}

// A small file that claims a huge picture is refused by what it claims.
GST_START_TEST(a_huge_picture_is_refused_before_it_is_decoded) {
  const check::Folder folder;
  const std::string small = write_mask(folder, "mask.png", 64, 48, false);
  fail_unless_equals_int(check::start_and_stop(inpaint + "mask-location=" + small).count, 0);  // loads the decoders
  const gint64 before = most_memory();
  const std::string files[] = {folder.write("large.png", large_png(30000, 30000)),
                               folder.write("just.png", large_png(8192, 8193)),
                               folder.write("large.pgm", "P5 30000 30000 255\n" + std::string(1000, 'x'))};
  for (const std::string& path : files)
    check::expect_error(check::start_and_stop(inpaint + "mask-location=" + path), path, GST_RESOURCE_ERROR,
                        GST_RESOURCE_ERROR_OPEN_READ, "scale it down");
  const gint64 grown = most_memory() - before;
  fail_unless(grown < 500, "%d MB", static_cast<int>(grown));
}
GST_END_TEST

// A picture of 64x48, white but for a black corner, stored as a camera that was held in one of eight ways stores it.
static std::string stored(int orientation) {
  constexpr int width = 64, height = 48;
  const bool lies = orientation >= 5;
  const std::string format = check::caps_text("GRAY8", lies ? height : width, lies ? width : height);
  const GstVideoInfo info = check::info_of(format);
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE));
  for (int row = 0; row < info.height; ++row)
    for (int column = 0; column < info.width; ++column) {
      // Exif: which edges of the picture as it is shown the first row and the first column are.
      const int along = lies ? row : column, across = lies ? column : row;
      const bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
      const bool bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
      const int x = right ? width - 1 - along : along, y = bottom ? height - 1 - across : across;
      check::set_sample(frame, 0, column, row, x < 16 && y < 16 ? 0 : 255);
    }
  gst_video_frame_unmap(&frame);
  GstHarness* h = gst_harness_new_parse("jpegenc quality=100");
  gst_harness_set_src_caps_str(h, format.c_str());
  GstBuffer* jpeg = gst_harness_push_and_pull(h, buffer);
  const auto bytes = check::bytes(jpeg);
  gst_buffer_unref(jpeg);
  gst_harness_teardown(h);
  std::string tiff("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0?\0\0\0\0\0\0", 26);
  tiff[tiff.find('?')] = static_cast<char>(orientation);
  const std::string exif = std::string("Exif\0\0", 6) + tiff;
  const std::string header{'\xff', '\xe1', '\0', static_cast<char>(exif.size() + 2)};
  std::string file(bytes.begin(), bytes.end());
  return file.insert(2, header + exif);
}

GST_START_TEST(pictures_of_cameras_are_turned_as_they_are_shown) {
  const check::Folder folder;
  std::vector<guint8> upright;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string path = folder.write(std::to_string(orientation) + ".jpg", stored(orientation));
    check::Harness harness(inpaint + "mask-location=" + path);
    harness.caps(check::mask_caps);
    const auto out = check::process(harness, check::soiled(0));
    if (orientation == 1) upright = out;
    fail_unless(out == upright, "orientation %d", orientation);
    fail_unless_equals_int(check::take_warnings(harness.bus()).count, 0);  // of another size
  }
}
GST_END_TEST

// Of another user, or in a folder of another user: there, and not for us.
GST_START_TEST(a_file_that_may_not_be_read_is_not_said_to_be_missing) {
  const check::Folder folder;
  const std::string path = write_mask(folder, "mask.png", 64, 48, false);
  check::Harness harness(inpaint + "mask-location=" + path);
  harness.caps(check::mask_caps);
  check::process(harness, check::soiled(0));
  const bool root = geteuid() == 0;  // who may read everything
  for (const auto& [file, mode] : {std::pair{path, 0600}, std::pair{folder.path(), 0700}}) {
    fail_unless(chmod(folder.path().c_str(), 0755) == 0 && chmod(path.c_str(), 0644) == 0);
    fail_unless(chmod(file.c_str(), root ? mode : 0) == 0);
    g_object_set(harness.element(), "mask-location",
                 (folder.path() + "/./mask.png" + (mode == 0600 ? "" : "/.")).c_str(), nullptr);
    if (root) fail_unless(seteuid(65534) == 0);
    check::process(harness, check::soiled(1));
    if (root) fail_unless(seteuid(0) == 0);
    check::expect_error(check::take_warnings(harness.bus()), file, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
                        "unreadable");
  }
  chmod(folder.path().c_str(), 0755);
}
GST_END_TEST

static Suite* mask_files_suite() {
  Suite* suite = suite_create("mask_files");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, wrong_pictures_are_one_clear_error);
  tcase_add_test(cases, a_huge_picture_is_refused_before_it_is_decoded);
  tcase_add_test(cases, pictures_of_cameras_are_turned_as_they_are_shown);
  tcase_add_test(cases, a_file_that_may_not_be_read_is_not_said_to_be_missing);
  return suite;
}

GST_CHECK_MAIN(mask_files)
