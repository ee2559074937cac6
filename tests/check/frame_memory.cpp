// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Buffers as FrameViews: what cannot be taken as one. Layouts are tested by check_formats and check_hostile_buffers.
#include "gst-plugin/frame_memory.h"

#include "core/api/error.h"
#include "tests/check/check_util.h"

GST_START_TEST(what_is_mapped_lies_in_host_memory) {
  const GstVideoInfo info = check::info_of(check::caps_text("RGBA", 32, 24));
  g_autoptr(GstBuffer) buffer = check::picture(info, 0, 0);
  const reddiff::MappedFrame frame(info, buffer, GST_MAP_READ);
  const reddiff::FrameView view = frame.view();
  fail_unless_equals_int(view.device_index, -1);
  fail_unless(view.has_alpha && view.width == 32 && view.height == 24);
  reddiff::validate(view);
}
GST_END_TEST

// Colours that were multiplied by alpha would be taken for dark ones.
GST_START_TEST(premultiplied_alpha_is_refused) {
  GstVideoInfo info = check::info_of(check::caps_text("RGBA", 32, 24));
  g_autoptr(GstBuffer) buffer = check::picture(info, 0, 0);
  info.flags = static_cast<GstVideoFlags>(info.flags | GST_VIDEO_FLAG_PREMULTIPLIED_ALPHA);
  for (const GstMapFlags flags : {GST_MAP_READ, GST_MAP_WRITE}) {
    std::string said;
    try {
      const reddiff::MappedFrame frame(info, buffer, flags);
    } catch (const reddiff::Error& error) {
      fail_unless(error.code() == reddiff::ErrorCode::format);
      said = error.what();
    }
    fail_unless(said.find("straight alpha") != std::string::npos, "'%s'", said.c_str());
  }
}
GST_END_TEST

static Suite* frame_memory_suite() {
  Suite* suite = suite_create("frame_memory");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, what_is_mapped_lies_in_host_memory);
  tcase_add_test(cases, premultiplied_alpha_is_refused);
  return suite;
}

GST_CHECK_MAIN(frame_memory)
