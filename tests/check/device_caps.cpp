// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Caps of frames in a GPU's memory: what is offered beside what a neighbour has, and in which order. No GPU and no libgstcuda.
#include "gst-plugin/device_caps.h"

#include <algorithm>
#include <memory>

#include "gst-plugin/caps.h"
#include "gst-plugin/frame_memory.h"
#include "tests/check/check_util.h"

using reddiff::in_either_memory;

struct Unref {
  void operator()(GstCaps* caps) const { gst_caps_unref(caps); }
};
using Caps = std::unique_ptr<GstCaps, Unref>;

static Caps caps_of(const std::string& text) {
  GstCaps* caps = gst_caps_from_string(text.c_str());
  fail_unless(caps != nullptr, "%s", text.c_str());
  return Caps(caps);
}

static const std::string host = "video/x-raw, ", device = "video/x-raw(memory:CUDAMemory), ";

static void expect_caps(GstCaps* found, const std::string& wanted) {
  const Caps owned(found), text = caps_of(wanted);
  gchar* said = gst_caps_to_string(found);
  fail_unless(gst_caps_is_strictly_equal(found, text.get()), "%s instead of %s", said, wanted.c_str());
  g_free(said);
}

static void expect_either(const std::string& given, bool offered, const std::string& wanted) {
  expect_caps(in_either_memory(caps_of(given).release(), offered), wanted);
}

GST_START_TEST(the_other_memory_comes_second) {
  const std::string nv12 = "format=(string)NV12, width=(int)64, height=(int)48";
  expect_either(host + nv12, true, host + nv12 + "; " + device + nv12);
  expect_either(device + nv12, true, device + nv12 + "; " + host + nv12);
  // The neighbour's order stays, and nothing is said twice.
  expect_either(device + nv12 + "; " + host + nv12, true, device + nv12 + "; " + host + nv12);
  expect_either(host + nv12 + "; " + device + nv12, true, host + nv12 + "; " + device + nv12);
}
GST_END_TEST

GST_START_TEST(only_formats_that_can_lie_there) {
  const std::string size = ", width=(int)64, height=(int)48";
  expect_either(host + "format=(string)RGBx" + size, true, host + "format=(string)RGBx" + size);
  expect_either(host + "format=(string){ RGBx, NV12, YUY2, RGBA }" + size, true,
                host + "format=(string){ RGBx, NV12, YUY2, RGBA }" + size + "; " + device +
                    "format=(string){ NV12, RGBA }" + size);
  const Caps any_format(in_either_memory(caps_of("video/x-raw, width=(int)64").release(), true));
  fail_unless_equals_int(gst_caps_get_size(any_format.get()), 2);
  const GValue* formats = gst_structure_get_value(gst_caps_get_structure(any_format.get(), 1), "format");
  fail_unless_equals_int(gst_value_list_get_size(formats), check::words(reddiff::cuda_formats).size());
}
GST_END_TEST

// Without a driver, or with device=cpu, everything is as if there were no such memory.
GST_START_TEST(nothing_is_offered) {
  const std::string frames = "format=(string){ NV12, RGBx }, width=(int)[ 1, 64 ], height=(int)48";
  const std::string fields = "video/x-raw(format:Interlaced), format=(string)NV12, width=(int)64";
  expect_either(host + frames + "; " + fields, false, host + frames + "; " + fields);
  expect_either(device + "format=(string)NV12; " + host + frames, false, host + frames);
  const Caps none(in_either_memory(caps_of(device + "format=(string)NV12").release(), false));
  fail_unless(gst_caps_is_empty(none.get()));
  const Caps any(in_either_memory(gst_caps_new_any(), true));
  fail_unless(gst_caps_is_any(any.get()));
}
GST_END_TEST

GST_START_TEST(other_features_stay_alone) {
  const std::string gl = "video/x-raw(memory:GLMemory), format=(string)RGBA",
                    fields = "video/x-raw(format:Interlaced), format=(string)NV12";
  expect_either(gl + "; " + fields, true, gl + "; " + fields);
  const std::string both = "video/x-raw(memory:CUDAMemory, meta:GstVideoOverlayComposition), format=(string)NV12";
  expect_either(both, true, both);
}
GST_END_TEST

GST_START_TEST(frames_stay_where_they_are) {
  const std::string size = ", width=(int)64, height=(int)48, framerate=(fraction)25/1";
  const std::string on_host = host + "format=(string)NV12" + size, on_device = device + "format=(string)NV12" + size;
  for (const auto& [in, first] : {std::pair{on_device, on_device}, std::pair{on_host, on_host}}) {
    expect_caps(reddiff::stay_in_memory(caps_of(on_host + "; " + on_device).release(), caps_of(in).get()),
                first + "; " + (first == on_host ? on_device : on_host));
    const bool device_in = reddiff::in_cuda_memory(caps_of(in).get());
    fail_unless(device_in == (in == on_device));
  }
  // A frame of the host goes to a device where the neighbour puts that first.
  expect_caps(reddiff::stay_in_memory(caps_of(on_device + "; " + on_host).release(), caps_of(on_host).get()),
              on_device + "; " + on_host);
}
GST_END_TEST

// Every format on a device is one of both pads, and no byte of it belongs to no component.
GST_START_TEST(the_list_of_formats) {
  const auto all = check::words(reddiff::raw_formats);
  for (const std::string& name : check::words(reddiff::cuda_formats)) {
    fail_unless(std::find(all.begin(), all.end(), name) != all.end(), "%s", name.c_str());
    const auto* info = gst_video_format_get_info(gst_video_format_from_string(name.c_str()));
    const guint bytes = GST_VIDEO_FORMAT_INFO_DEPTH(info, 0) > 8 ? 2 : 1;
    guint first_plane = 0;
    for (guint c = 0; c < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(info); ++c)
      if (GST_VIDEO_FORMAT_INFO_PLANE(info, c) == 0) first_plane += bytes;
    fail_unless_equals_int(GST_VIDEO_FORMAT_INFO_PSTRIDE(info, 0), first_plane);
  }
  const Caps pads(reddiff::with_cuda_memory(reddiff::make_raw_caps(reddiff::raw_formats)));
  fail_unless_equals_int(gst_caps_get_size(pads.get()), 2);
  const Caps alpha(reddiff::keep_alpha_formats(gst_caps_copy(pads.get())));
  fail_unless(gst_caps_can_intersect(alpha.get(), caps_of(device + "format=RGBA").get()));
  fail_unless(!gst_caps_can_intersect(alpha.get(), caps_of(device + "format=NV12").get()));
}
GST_END_TEST

GST_START_TEST(which_device) {
  const std::pair<const char*, int> cases[] = {
      {"auto", 0},     {"cuda", 0},     {"cuda:0", 0},  {"cuda:12", 12},         {"cpu", -1}, {"cuda:", -1}, {"", -1},
      {"cuda:-1", -1}, {"cuda:1x", -1}, {"CUDA:0", -1}, {"cuda:99999999999", -1}};
  for (const auto& [text, index] : cases)
    fail_unless(reddiff::cuda_index(text) == index, "%s gave %d", text, reddiff::cuda_index(text));
}
GST_END_TEST

static Suite* device_caps_suite() {
  Suite* suite = suite_create("device_caps");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, the_other_memory_comes_second);
  tcase_add_test(cases, only_formats_that_can_lie_there);
  tcase_add_test(cases, nothing_is_offered);
  tcase_add_test(cases, other_features_stay_alone);
  tcase_add_test(cases, frames_stay_where_they_are);
  tcase_add_test(cases, the_list_of_formats);
  tcase_add_test(cases, which_device);
  return suite;
}

GST_CHECK_MAIN(device_caps)
