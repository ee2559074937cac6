// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Masks that are not the alpha channel: picture files and regions of interest.
#include "tests/check/failures.h"
#include "tests/check/folder.h"

using check::Harness;

static const std::string caps = check::caps_text("RGB", 64, 48);
static const std::string inpaint = "reddiff task=inpaint prior=dct steps=2 temporal=none ";

// White with a hole in the middle third of both axes. PNG; the hole is black, or transparent.
static std::string write_mask(const check::Folder& folder, const std::string& name, int width, int height,
                              bool transparent) {
  const GstVideoInfo info = check::info_of(check::caps_text("RGBA", width, height));
  GstBuffer* buffer = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_memset(buffer, 0, 255, GST_VIDEO_INFO_SIZE(&info));
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_WRITE));
  for (int y = height / 3; y < 2 * height / 3; ++y)
    for (int x = width / 3; x < 2 * width / 3; ++x)
      for (int c = 0; c < 4; ++c)
        if ((c == 3) == transparent) check::set_sample(frame, c, x, y, 0);
  gst_video_frame_unmap(&frame);
  GstHarness* h = gst_harness_new_parse("pngenc snapshot=false");
  gst_harness_set_src_caps_str(h, check::caps_text("RGBA", width, height).c_str());
  GstBuffer* png = gst_harness_push_and_pull(h, buffer);
  fail_unless(png != nullptr);
  const auto bytes = check::bytes(png);
  gst_buffer_unref(png);
  gst_harness_teardown(h);
  return folder.write(name, std::string(bytes.begin(), bytes.end()));
}

// A smooth picture with a red block where the mask's hole is.
static GstBuffer* soiled(int index) {
  const GstVideoInfo info = check::info_of(caps);
  GstBuffer* buffer = check::picture(info, index, 0);
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
  for (int y = 16; y < 32; ++y)
    for (int x = 21; x < 42; ++x)
      for (int c = 0; c < 3; ++c) check::set_sample(frame, c, x, y, c == 0 ? 255 : 0);
  gst_video_frame_unmap(&frame);
  return buffer;
}

static double distance_to_clean(const std::vector<guint8>& bytes) {
  const GstVideoInfo info = check::info_of(caps);
  GstBuffer* clean = check::picture(info, 0, 0);
  const auto want = check::bytes(clean);
  gst_buffer_unref(clean);
  fail_unless_equals_uint64(want.size(), bytes.size());
  double sum = 0;
  for (std::size_t i = 0; i < want.size(); ++i) sum += std::abs(want[i] - bytes[i]);
  return sum / static_cast<double>(want.size());
}

static int warnings(GstBus* bus) {
  int count = 0;
  while (GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_WARNING)) {
    ++count;
    gst_message_unref(message);
  }
  return count;
}

GST_START_TEST(a_picture_says_what_is_missing) {
  const check::Folder folder;
  const bool transparent = __i__ % 2, other_size = __i__ / 2;
  const std::string path = write_mask(folder, "mask.png", other_size ? 192 : 64, other_size ? 144 : 48, transparent);
  Harness harness(inpaint + "mask-location=" + path);
  harness.caps(caps);
  for (int i = 0; i < 3; ++i) {
    const double distance = distance_to_clean(check::process(harness, soiled(i)));
    fail_unless(distance < 4, "frame %d: %f", i, distance);
  }
  fail_unless_equals_int(warnings(harness.bus()), other_size ? 1 : 0);
  // Without the mask the block stays.
  Harness unmasked("reddiff prior=dct noise=1 temporal=none");
  unmasked.caps(caps);
  fail_unless(distance_to_clean(check::process(unmasked, soiled(0))) > 10);
}
GST_END_TEST

// What stopped the element must not stop it from reading its mask anew.
GST_START_TEST(a_picture_is_read_again_at_the_next_start) {
  const check::Folder folder;
  Harness harness(inpaint + "mask-location=" + write_mask(folder, "mask.png", 64, 48, false));
  for (int i = 0; i < 2; ++i) {
    harness.caps(caps);
    fail_unless(distance_to_clean(check::process(harness, soiled(0))) < 4);
    fail_unless(gst_element_set_state(harness.element(), GST_STATE_READY) == GST_STATE_CHANGE_SUCCESS);
    gst_harness_play(harness.h);
  }
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

static GstBuffer* with_region(GstBuffer* buffer, const char* type, guint x, guint y, guint w, guint h) {
  gst_buffer_add_video_region_of_interest_meta(buffer, type, x, y, w, h);
  return buffer;
}

GST_START_TEST(regions_say_what_is_missing) {
  Harness any(inpaint + "mask-source=roi"), typed(inpaint + "mask-roi-type=logo");
  for (Harness* harness : {&any, &typed}) harness->caps(caps);
  fail_unless(distance_to_clean(check::process(any, with_region(soiled(0), "face", 21, 16, 21, 16))) < 4);
  fail_unless(distance_to_clean(check::process(any, soiled(1))) > 10);
  fail_unless(distance_to_clean(check::process(typed, with_region(soiled(0), "face", 21, 16, 21, 16))) > 10);
  fail_unless(distance_to_clean(check::process(typed, with_region(soiled(1), "logo", 21, 16, 21, 16))) < 4);
  // Sides beyond the picture, and beyond 32 bits: what is inside counts.
  check::process(any, with_region(soiled(2), "logo", 60, 40, G_MAXUINT, G_MAXUINT));
  check::process(any, with_region(soiled(3), "logo", G_MAXUINT, G_MAXUINT, G_MAXUINT, G_MAXUINT));
  check::process(any, with_region(soiled(4), "logo", 0, 0, G_MAXUINT, G_MAXUINT));  // nothing is known at all
  fail_unless_equals_int(check::take_errors(any.bus()).count, 0);
}
GST_END_TEST

// Alpha cannot be had from RGB: until upstream sends another format, the picture serves.
GST_START_TEST(the_source_may_change_while_playing) {
  const check::Folder folder;
  Harness harness(inpaint + "mask-location=" + write_mask(folder, "mask.png", 64, 48, false));
  harness.caps(caps);
  fail_unless(distance_to_clean(check::process(harness, soiled(0))) < 4);
  g_object_set(harness.element(), "mask-roi-type", "logo", "mask-location", "", nullptr);
  fail_unless(distance_to_clean(check::process(harness, with_region(soiled(1), "logo", 21, 16, 21, 16))) < 4);
  gst_util_set_object_arg(G_OBJECT(harness.element()), "mask-source", "alpha");
  fail_unless(distance_to_clean(check::process(harness, with_region(soiled(2), "logo", 21, 16, 21, 16))) < 4);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

GST_START_TEST(one_that_cannot_be_read_leaves_the_one_before) {
  const check::Folder folder;
  Harness harness(inpaint + "mask-location=" + write_mask(folder, "mask.png", 64, 48, false));
  harness.caps(caps);
  check::process(harness, soiled(0));
  for (const std::string& location : {std::string("/nonexistent/mask.png"), folder.write("no.png", "no picture")}) {
    g_object_set(harness.element(), "mask-location", location.c_str(), nullptr);
    for (int i = 1; i < 4; ++i) fail_unless(distance_to_clean(check::process(harness, soiled(i))) < 4);
    check::expect_clear(check::take_warnings(harness.bus()), location);
  }
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
  g_object_set(harness.element(), "mask-location", write_mask(folder, "none.png", 64, 48, true).c_str(), nullptr);
  fail_unless(distance_to_clean(check::process(harness, soiled(4))) < 4);
  fail_unless_equals_int(check::take_warnings(harness.bus()).count, 0);
}
GST_END_TEST

// Alpha stays the mask, and is asked for again.
GST_START_TEST(a_refused_picture_leaves_alpha) {
  const std::string with_alpha = check::caps_text("RGBA", 64, 48);
  Harness harness("reddiff task=inpaint prior=dct steps=2 temporal=none"),
      untouched("reddiff task=inpaint prior=dct steps=2 temporal=none");
  for (Harness* each : {&harness, &untouched}) each->caps(with_alpha);
  g_object_set(harness.element(), "mask-location", "/nonexistent/mask.png", nullptr);
  for (int i = 0; i < 3; ++i) {
    const auto [restored, same] =
        std::pair{check::process(harness, check::picture(check::info_of(with_alpha), i, i, i % 2)),
                  check::process(untouched, check::picture(check::info_of(with_alpha), i, i, i % 2))};
    fail_unless(restored == same, "frame %d", i);
  }
  check::expect_clear(check::take_warnings(harness.bus()), "no such picture");
  harness.caps(caps);
  fail_unless_equals_int(gst_harness_push(harness.h, soiled(3)), GST_FLOW_NOT_NEGOTIATED);
}
GST_END_TEST

static void push(Harness& harness, GstBuffer* buffer) {
  fail_unless_equals_int(gst_harness_push(harness.h, buffer), GST_FLOW_OK);
  while (GstBuffer* out = gst_harness_try_pull(harness.h)) gst_buffer_unref(out);
}

// Upstream that can send whatever is asked for, the next time that it looks.
static gboolean sends_anything(GstPad* pad, GstObject* parent, GstQuery* query) {
  if (GST_QUERY_TYPE(query) != GST_QUERY_CAPS) return gst_pad_query_default(pad, parent, query);
  GstCaps* any = gst_caps_new_any();
  gst_query_set_caps_result(query, any);
  gst_caps_unref(any);
  return TRUE;
}

// Alpha is asked for while frames without it are on their way, and the other side negotiates again before they have come.
GST_START_TEST(frames_on_the_way_do_not_end_the_stream) {
  const char* befores[] = {"operator=bicubic:factor=2 steps=1", "strength=0", "noise=1"};
  Harness harness(std::string("reddiff prior=dct ") + befores[__i__]);
  gst_pad_set_query_function(harness.h->srcpad, sends_anything);
  harness.caps(caps);
  push(harness, soiled(0));
  g_object_set(harness.element(), "operator", "", "strength", 1.0, nullptr);
  gst_util_set_object_arg(G_OBJECT(harness.element()), "task", "inpaint");
  gst_harness_push_upstream_event(harness.h, gst_event_new_reconfigure());
  for (int i = 1; i < 4; ++i) push(harness, soiled(i));
  const std::string with_alpha = check::caps_text("RGBA", 64, 48);
  harness.caps(with_alpha);
  check::stream(harness, with_alpha, 2, 4);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
  fail_unless_equals_uint64(harness.stat("frames-in"), harness.stat("frames-out") + harness.stat("frames-dropped") +
                                                           (__i__ == 1 ? 1 : 0));  // the first went through untouched
}
GST_END_TEST

// What upstream cannot send is said: as an error where the settings from before do not fit either.
GST_START_TEST(alpha_that_cannot_be_had_is_said) {
  for (const bool resizes : {false, true}) {
    Harness harness(std::string("reddiff prior=dct steps=1 ") + (resizes ? "operator=bicubic:factor=2" : "noise=1"));
    harness.caps(caps);
    push(harness, soiled(0));
    g_object_set(harness.element(), "operator", "", nullptr);
    gst_util_set_object_arg(G_OBJECT(harness.element()), "task", "inpaint");
    for (int i = 1; i < 4; ++i) {
      const GstFlowReturn flow = gst_harness_push(harness.h, soiled(i));
      fail_unless_equals_int(flow, resizes ? GST_FLOW_ERROR : GST_FLOW_OK);
    }
    GstMessage* message = gst_bus_pop_filtered(harness.bus(), resizes ? GST_MESSAGE_ERROR : GST_MESSAGE_WARNING);
    fail_unless(message != nullptr);
    GError* error = nullptr;
    resizes ? gst_message_parse_error(message, &error, nullptr) : gst_message_parse_warning(message, &error, nullptr);
    fail_unless(strstr(error->message, "alpha") != nullptr, "%s", error->message);
    g_error_free(error);
    gst_message_unref(message);
    fail_unless_equals_int(warnings(harness.bus()) + check::take_errors(harness.bus()).count, 0);
  }
}
GST_END_TEST

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

static Suite* masks_suite() {
  Suite* suite = suite_create("masks");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_loop_test(cases, a_picture_says_what_is_missing, 0, 4);
  tcase_add_test(cases, regions_say_what_is_missing);
  tcase_add_test(cases, the_source_may_change_while_playing);
  tcase_add_test(cases, one_that_cannot_be_read_leaves_the_one_before);
  tcase_add_test(cases, a_refused_picture_leaves_alpha);
  tcase_add_loop_test(cases, frames_on_the_way_do_not_end_the_stream, 0, 3);
  tcase_add_test(cases, alpha_that_cannot_be_had_is_said);
  tcase_add_test(cases, a_picture_is_read_again_at_the_next_start);
  tcase_add_test(cases, wrong_pictures_are_one_clear_error);
  tcase_add_test(cases, a_huge_picture_is_refused_before_it_is_decoded);
  return suite;
}

GST_CHECK_MAIN(masks)
