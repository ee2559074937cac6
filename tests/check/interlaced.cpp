// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Interlaced video: refused in one sentence that names the way out, and that way works. Whoever only asks hears nothing.
#include "tests/check/failures.h"

using check::Harness;

static const std::string raw = "video/x-raw,format=I420,width=64,height=48,framerate=25/1";
static const std::string source = "videotestsrc num-buffers=4 pattern=ball ! ";
static const char* const elements[] = {"reddiff name=e prior=dct steps=1 noise=10 ", "reddiffdegrade name=e noise=10 "};

// Interlaced video by way of the pipelines that people write.
static const std::string interlaced[] = {
    source + raw + ",interlace-mode=interleaved ! ",
    source + "video/x-raw,width=64,height=48,framerate=50/1 ! interlace field-pattern=2:2 ! ",
    source + "video/x-raw,format=I420,width=64,height=48,framerate=24/1 ! interlace field-pattern=2:3 ! queue ! ",
    source +
        "video/x-raw,format=I420,width=64,height=48,framerate=50/1 ! interlace field-pattern=2:2 ! "
        "capsfilter caps=\"video/x-raw(format:Interlaced),interlace-mode=alternate\" ! ",
};

struct Outcome {
  check::Errors own;   // that the element posted
  bool first = false;  // before any other
  bool ended = false;
  std::string mode;  // that left the element
};

static Outcome run(const std::string& line) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(line.c_str(), &error);
  fail_unless(pipeline && !error, "%s: %s", line.c_str(), error ? error->message : "?");
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "e");
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  Outcome outcome;
  GstMessage* message =
      gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  fail_unless(message != nullptr, "%s: neither end nor error", line.c_str());
  outcome.ended = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
  outcome.first = GST_MESSAGE_SRC(message) == GST_OBJECT_CAST(element);
  gst_bus_post(bus, message);
  GstPad* src = gst_element_get_static_pad(element, "src");
  if (outcome.ended) outcome.mode = gst_video_interlace_mode_to_string(check::current_info(src).interlace_mode);
  gst_element_set_state(pipeline, GST_STATE_READY);  // NULL would empty the bus
  outcome.own = check::take_errors(bus, element);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(src);
  gst_object_unref(bus);
  gst_object_unref(element);
  gst_object_unref(pipeline);
  return outcome;
}

GST_START_TEST(is_refused_in_one_sentence) {
  for (const std::string& before : interlaced) {
    const std::string line = before + elements[__i__] + "! fakesink";
    const Outcome outcome = run(line);
    fail_unless(!outcome.ended && outcome.first, "%s", line.c_str());
    check::expect_error(outcome.own, line, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "put deinterlace in front");
  }
}
GST_END_TEST

GST_START_TEST(deinterlace_in_front_helps) {
  for (const std::string& before : interlaced) {
    if (before.find("alternate") != std::string::npos) continue;  // GStreamer 1.22's deinterlace cannot take it either
    const Outcome outcome = run(before + "deinterlace ! " + elements[__i__] + "! fakesink");
    fail_unless(outcome.ended, "%s: %s", before.c_str(), outcome.own.text.c_str());
    fail_unless_equals_string(outcome.mode.c_str(), "progressive");
  }
}
GST_END_TEST

GST_START_TEST(who_can_choose_sends_whole_frames) {
  for (const char* modes : {"{interleaved,progressive}", "{mixed,progressive,fields}"}) {
    const Outcome outcome =
        run(source + raw + ",interlace-mode=(string)" + modes + " ! " + elements[__i__] + "! videoconvert ! fakesink");
    fail_unless(outcome.ended, "%s: %s", modes, outcome.own.text.c_str());
    fail_unless_equals_string(outcome.mode.c_str(), "progressive");
  }
}
GST_END_TEST

GST_START_TEST(to_ask_is_no_error) {
  Harness harness(elements[__i__]);
  GstPad* sink = gst_element_get_static_pad(harness.element(), "sink");
  for (const char* mode : {"progressive", "interleaved", "mixed", "fields"}) {
    GstCaps* caps = gst_caps_from_string((raw + ",interlace-mode=" + mode).c_str());
    GstCaps* answer = gst_pad_query_caps(sink, caps);
    fail_if(gst_caps_is_empty(answer), "%s", mode);
    fail_unless(gst_pad_query_accept_caps(sink, caps), "%s", mode);
    gst_caps_unref(answer);
    gst_caps_unref(caps);
  }
  GstCaps* all = gst_pad_query_caps(sink, nullptr);
  const gchar* preferred = gst_structure_get_string(gst_caps_get_structure(all, 0), "interlace-mode");
  fail_unless_equals_string(preferred, "progressive");
  gst_caps_unref(all);
  gst_object_unref(sink);
  fail_unless(gst_bus_pop_filtered(harness.bus(), GstMessageType(GST_MESSAGE_ERROR | GST_MESSAGE_WARNING)) == nullptr);
}
GST_END_TEST

static GstBuffer* flagged(GstBuffer* buffer) {
  GST_BUFFER_FLAG_SET(buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED);
  return buffer;
}

// Frames of mixed video say themselves whether they are interlaced; many say it of none.
GST_START_TEST(mixed_video_is_refused_at_its_first_interlaced_frame) {
  Harness harness(elements[__i__]);
  const std::string mixed = raw + ",interlace-mode=mixed";
  const GstVideoInfo info = check::info_of(raw);
  harness.caps(mixed);
  for (int turn = 0; turn < 2; ++turn) {
    check::stream(harness, raw, 3, 10 * turn);
    fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
    fail_unless_equals_string(gst_video_interlace_mode_to_string(check::out_info(harness).interlace_mode),
                              "progressive");
    for (int i = 3; i < 6; ++i)
      fail_unless_equals_int(gst_harness_push(harness.h, flagged(check::picture(info, 10 * turn + i, 0))),
                             GST_FLOW_NOT_NEGOTIATED);
    check::expect_error(check::take_errors(harness.bus()), "mixed", GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                        "deinterlace");
    harness.caps(raw);
    harness.caps(mixed);
  }
}
GST_END_TEST

GST_START_TEST(mixed_video_of_whole_frames_comes_through) {
  const Outcome outcome =
      run(source + raw + ",interlace-mode=mixed ! videoconvert ! " + elements[__i__] + "! fakesink");
  fail_unless(outcome.ended, "%s", outcome.own.text.c_str());
  fail_unless_equals_string(outcome.mode.c_str(), "progressive");
}
GST_END_TEST

// A broadcast that switches: one error, then on with whole frames.
GST_START_TEST(a_stream_may_become_interlaced_and_back) {
  Harness harness(elements[__i__]);
  const GstVideoInfo info = check::info_of(raw);
  harness.caps(raw);
  check::stream(harness, raw, 1);
  for (int turn = 0; turn < 2; ++turn) {
    harness.caps(raw + ",interlace-mode=interleaved");
    for (int i = 0; i < 3; ++i)
      fail_unless_equals_int(gst_harness_push(harness.h, check::picture(info, i, 0)), GST_FLOW_NOT_NEGOTIATED);
    check::expect_error(check::take_errors(harness.bus()), "interleaved", GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                        "deinterlace");
    harness.caps(raw);
    check::stream(harness, raw, 2);
  }
}
GST_END_TEST

static Suite* interlaced_suite() {
  Suite* suite = suite_create("interlaced");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_loop_test(cases, is_refused_in_one_sentence, 0, 2);
  tcase_add_loop_test(cases, deinterlace_in_front_helps, 0, 2);
  tcase_add_loop_test(cases, who_can_choose_sends_whole_frames, 0, 2);
  tcase_add_loop_test(cases, to_ask_is_no_error, 0, 2);
  tcase_add_loop_test(cases, mixed_video_is_refused_at_its_first_interlaced_frame, 0, 2);
  tcase_add_loop_test(cases, mixed_video_of_whole_frames_comes_through, 0, 2);
  tcase_add_loop_test(cases, a_stream_may_become_interlaced_and_back, 0, 2);
  return suite;
}

GST_CHECK_MAIN(interlaced)
