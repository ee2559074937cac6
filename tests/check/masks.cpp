// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Masks that are not the alpha channel: picture files and regions of interest.
#include "tests/check/mask_util.h"

using check::distance_to_clean;
using check::Harness;
using check::soiled;
using check::write_mask;

static const std::string caps = check::mask_caps, inpaint = check::inpaint;

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

// How much of a pixel a disc with a soft edge covers.
static double cover(int x, int y) { return CLAMP((13 - std::hypot(x - 32, y - 24)) / 4, 0., 1.); }

// A white disc on a smooth picture, and its own picture as the mask: black or transparent as far as the disc covers it. What it covers a
// little is replaced too.
GST_START_TEST(a_logo_goes_by_its_own_picture) {
  const check::Folder folder;
  const bool transparent = __i__ == 1;
  const std::string path = check::write_png(folder, "logo.png", 64, 48, [&](int x, int y, int c) {
    return (c == 3) == transparent ? std::lround(255 * (1 - cover(x, y))) : 255;
  });
  const GstVideoInfo info = check::info_of(caps);
  GstBuffer* buffer = check::picture(info, 0, 0);
  const auto clean = check::bytes(buffer);
  GstVideoFrame frame;
  fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READWRITE));
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 64; ++x)
      for (int c = 0; c < 3; ++c)
        check::set_sample(frame, c, x, y,
                          std::lround(check::sample(frame, c, x, y) * (1 - cover(x, y)) + 255 * cover(x, y)));
  gst_video_frame_unmap(&frame);
  Harness harness(inpaint + "mask-location=" + path);
  harness.caps(caps);
  const auto out = check::process(harness, buffer);
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 64; ++x)
      for (int c = 0; c < 3; ++c) {
        const std::size_t i = static_cast<std::size_t>(y * GST_VIDEO_INFO_PLANE_STRIDE(&info, 0) + 3 * x + c);
        fail_unless(std::abs(out[i] - clean[i]) < 16, "%d,%d: %d instead of %d", x, y, out[i], clean[i]);
      }
}
GST_END_TEST

// The region misses two pixels of the block on every side.
GST_START_TEST(what_is_missing_can_be_grown) {
  for (const int grow : {0, 2}) {
    Harness harness(inpaint + "mask-source=roi mask-grow=" + std::to_string(grow));
    harness.caps(caps);
    const double distance = distance_to_clean(check::process(harness, with_region(soiled(0), "logo", 23, 18, 17, 12)));
    fail_unless(grow == 2 ? distance < 4 : distance > 8, "%d: %f", grow, distance);
  }
}
GST_END_TEST

GST_START_TEST(a_mask_that_leaves_nothing_is_told_once) {
  const check::Folder folder;
  const std::string grey =
      check::write_png(folder, "grey.png", 64, 48, [](int, int, int c) { return c == 3 ? 255 : 235; });
  Harness harness(inpaint + "mask-location=" + grey);
  harness.caps(caps);
  for (int i = 0; i < 24; ++i) check::process(harness, soiled(i));
  fail_unless_equals_int(check::take_warnings(harness.bus()).count, 0);
  for (int i = 24; i < 60; ++i) check::process(harness, soiled(i));
  const auto told = check::take_warnings(harness.bus());
  check::expect_clear(told, "a gray mask");
  fail_unless(told.text.find("98 %") != std::string::npos, "%s", told.text.c_str());
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

static Suite* masks_suite() {
  Suite* suite = suite_create("masks");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_loop_test(cases, a_picture_says_what_is_missing, 0, 4);
  tcase_add_test(cases, regions_say_what_is_missing);
  tcase_add_loop_test(cases, a_logo_goes_by_its_own_picture, 0, 2);
  tcase_add_test(cases, what_is_missing_can_be_grown);
  tcase_add_test(cases, a_mask_that_leaves_nothing_is_told_once);
  tcase_add_test(cases, the_source_may_change_while_playing);
  tcase_add_test(cases, one_that_cannot_be_read_leaves_the_one_before);
  tcase_add_test(cases, a_refused_picture_leaves_alpha);
  tcase_add_loop_test(cases, frames_on_the_way_do_not_end_the_stream, 0, 3);
  tcase_add_test(cases, alpha_that_cannot_be_had_is_said);
  tcase_add_test(cases, a_picture_is_read_again_at_the_next_start);
  return suite;
}

GST_CHECK_MAIN(masks)
