// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whatever goes wrong gives exactly one error message with the right domain and code, and never a crash.
#include "tests/check/failures.h"
#include "tests/check/folder.h"

using check::expect_error;
using check::Harness;
using check::start_and_stop;
using check::take_errors;

struct Bad {
  const char* line;
  GQuark (*domain)();
  int code;
  const char* hint;
};

GST_START_TEST(bad_settings) {
  const Bad table[] = {
      {"reddiff operator=nonsense", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "bicubic"},
      {"reddiff operator=bicubic:factor=0", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "factor"},
      {"reddiff operator=bicubic:factor=4 scale=2", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "scale"},
      {"reddiff operator=hdr:gain=0", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "from 1 to 16"},
      {"reddiff operator=hdr:gain=nan", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "from 1 to 16"},
      {"reddiff operator=quantise:bits=9", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "from 1 to 8"},
      {"reddiffdegrade operator=jpeg:quality=101", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS,
       "from 1 to 100"},
      {"reddiffdegrade operator=jpeg:subsampling=411", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS,
       "420, 422, 444"},
      {"reddiff prior=dct operator=quantise:bits=3+bicubic:factor=2", gst_library_error_quark,
       GST_LIBRARY_ERROR_SETTINGS, "hdr, quantise, jpeg"},
      {"reddiff prior=dct operator=hdr+quantise", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS,
       "solver=red-diff"},
      {"reddiff prior=dct operator=gray+jpeg", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "three channels"},
      {"reddiff prior=dct operator=hdr mask-source=alpha", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS,
       "every pixel"},
      {"reddiff task=deblur", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "operator"},
      {"reddiff task=inpaint mask-source=none prior=dct", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "mask"},
      {"reddiff prior=dct device=cuda:7", gst_library_error_quark, GST_LIBRARY_ERROR_INIT, "cuda"},
      {"reddiff prior=dct device=toaster", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "cpu"},
      {"reddiff prior=nonsense", gst_resource_error_quark, GST_RESOURCE_ERROR_NOT_FOUND, "dct"},
      {"reddiff prior=/nonexistent/x.safetensors", gst_resource_error_quark, GST_RESOURCE_ERROR_NOT_FOUND,
       "x.safetensors"},
      {"reddiffdegrade operator=nonsense", gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS, "bicubic"},
      {"reddiffdegrade device=cuda:7", gst_library_error_quark, GST_LIBRARY_ERROR_INIT, "cuda"},
  };
  for (const Bad& bad : table) expect_error(start_and_stop(bad.line), bad.line, bad.domain(), bad.code, bad.hint);
}
GST_END_TEST

GST_START_TEST(corrupt_model) {
  const check::Folder folder;
  const std::string model =
      folder.write("bad.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{garbage", 16));
  for (const char* text : {"garbage", "{}", "[1,2]", "{\"format\": 1}"}) {
    folder.write("bad.json", text);
    expect_error(start_and_stop("reddiff prior=" + model), text, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE);
  }
}
GST_END_TEST

GST_START_TEST(missing_module) {
  g_setenv("REDDIFF_MODULE_PATH", "/nonexistent", TRUE);
  expect_error(start_and_stop("reddiff prior=dct"), "no module", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT,
               "REDDIFF_MODULE_PATH");
  expect_error(start_and_stop("reddiffdegrade"), "no module", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT,
               "REDDIFF_MODULE_PATH");
  g_setenv("REDDIFF_MODULE_PATH", "/proc/self/maps", TRUE);
  expect_error(start_and_stop("reddiff prior=dct"), "not a library", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT);
  const std::string plugin = std::string(g_getenv("GST_PLUGIN_PATH_1_0")) + "/libgstreddiff.so";
  g_setenv("REDDIFF_MODULE_PATH", plugin.c_str(), TRUE);
  expect_error(start_and_stop("reddiff prior=dct"), "another library", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT);
  g_unsetenv("REDDIFF_MODULE_PATH");
  fail_unless_equals_int(start_and_stop("reddiff prior=dct").count, 0);
}
GST_END_TEST

// A slip in an application's text field, a slider on its way: restoring goes on as before, to the bit, and that is said once.
GST_START_TEST(bad_settings_while_playing) {
  const std::string caps = check::caps_text("RGB", 32, 24);
  Harness harness(check::fast), untouched(check::fast);
  for (Harness* each : {&harness, &untouched}) {
    each->caps(caps);
    check::stream(*each, caps, 2);
  }
  for (const char* text : {"nonsense", "kernel:file=/nonexistent", "bicubic:factor=99"}) {
    g_object_set(harness.element(), "operator", text, nullptr);
    fail_unless(check::stream(harness, caps, 2, 2) == check::stream(untouched, caps, 2, 2), "%s", text);
    const check::Errors warnings = check::take_warnings(harness.bus());
    check::expect_clear(warnings, text);
    fail_unless(warnings.text.find("settings before stay") != std::string::npos, "%s", warnings.text.c_str());
  }
  fail_unless_equals_int(harness.stat("resets-settings"), 0);
  fail_unless_equals_int(take_errors(harness.bus()).count, 0);
  g_object_set(harness.element(), "operator", "gaussian-blur:sigma=1", nullptr);
  fail_if(check::stream(harness, caps, 1, 4) == check::stream(untouched, caps, 1, 4));
  fail_unless_equals_int(check::take_warnings(harness.bus()).count + take_errors(harness.bus()).count, 0);
}
GST_END_TEST

// The size of the new settings was negotiated when they were refused: one frame is between the sizes.
GST_START_TEST(bad_settings_of_another_size) {
  const std::string caps = check::caps_text("RGB", 32, 24);
  const GstVideoInfo info = check::info_of(caps);
  for (const char* text : {"bicubic:factor=2+kernel:file=/nonexistent",
                           "gaussian-blur:sigma=1+bicubic:factor=2+kernel:file=/nonexistent"}) {
    Harness harness(check::fast);
    harness.caps(caps);
    check::stream(harness, caps, 1);
    g_object_set(harness.element(), "operator", text, nullptr);
    fail_unless_equals_int(gst_harness_push(harness.h, check::picture(info, 1, 2)), GST_FLOW_OK);
    check::stream(harness, caps, 3, 2);
    fail_unless_equals_int(check::out_info(harness).width, 32);
    fail_unless_equals_uint64(harness.stat("frames-dropped"), 1);
    expect_error(check::take_warnings(harness.bus()), "another size", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
    g_object_set(harness.element(), "operator", "bicubic:factor=2", nullptr);
    check::stream(harness, caps, 2, 5);
    fail_unless_equals_int(check::out_info(harness).width, 64);
    fail_unless_equals_int(check::take_warnings(harness.bus()).count + take_errors(harness.bus()).count, 0);
  }
}
GST_END_TEST

// One after the other, with frames between them, what makes sense only together.
GST_START_TEST(settings_that_pass_through_nonsense) {
  const std::string caps = check::caps_text("RGB", 32, 24);
  Harness harness(std::string(check::fast) + "scale=3 operator=bicubic:factor=3");
  harness.caps(caps);
  check::stream(harness, caps, 1);
  g_object_set(harness.element(), "operator", "bicubic:factor=2", nullptr);
  check::stream(harness, caps, 2, 1);
  fail_unless_equals_int(check::out_info(harness).width, 3 * 32);
  expect_error(check::take_warnings(harness.bus()), "half of two", GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
               "scale");
  g_object_set(harness.element(), "scale", 2, nullptr);
  check::stream(harness, caps, 2, 3);
  fail_unless_equals_int(check::out_info(harness).width, 2 * 32);
  fail_unless_equals_int(check::take_warnings(harness.bus()).count + take_errors(harness.bus()).count, 0);
}
GST_END_TEST

GST_START_TEST(short_buffer) {
  for (const std::string& line : {std::string(check::fast), std::string("reddiffdegrade")}) {
    Harness harness(line);
    harness.caps(check::caps_text("RGB", 32, 24));
    for (int i = 0; i < 2; ++i)
      fail_unless_equals_int(gst_harness_push(harness.h, gst_buffer_new_allocate(nullptr, 100, nullptr)),
                             GST_FLOW_ERROR);
    expect_error(take_errors(harness.bus()), "short buffer", GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  }
}
GST_END_TEST

GST_START_TEST(inpaint_without_alpha) {
  Harness harness("reddiff prior=dct task=inpaint");
  const std::string caps = check::caps_text("I420", 32, 24);
  harness.caps(caps);
  fail_unless_equals_int(gst_harness_push(harness.h, check::picture(check::info_of(caps), 0, 0)),
                         GST_FLOW_NOT_NEGOTIATED);
}
GST_END_TEST

static Suite* errors_suite() {
  Suite* suite = suite_create("errors");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, bad_settings);
  tcase_add_test(cases, corrupt_model);
  tcase_add_test(cases, missing_module);
  tcase_add_test(cases, bad_settings_while_playing);
  tcase_add_test(cases, bad_settings_of_another_size);
  tcase_add_test(cases, settings_that_pass_through_nonsense);
  tcase_add_test(cases, short_buffer);
  tcase_add_test(cases, inpaint_without_alpha);
  return suite;
}

GST_CHECK_MAIN(errors)
