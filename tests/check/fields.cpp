// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Interlaced video of which whole frames are made: how many, when each is shown, which lines it has as they came, and what is left alone.
#include <functional>

#include "tests/check/failures.h"

using check::Harness;

static const std::string progressive = "video/x-raw,format=I420,width=64,height=48,framerate=25/1";
static const std::string top_first = progressive + ",interlace-mode=interleaved,field-order=top-field-first";
static const std::string bottom_first = progressive + ",interlace-mode=interleaved,field-order=bottom-field-first";
static const std::string unsaid = progressive + ",interlace-mode=interleaved";
static const std::string mixed = progressive + ",interlace-mode=mixed";
static const std::string alone = "reddiff prior=dct preset=live task=deinterlace ";

struct Out {
  GstClockTime pts, duration;
  guint flags;
  std::vector<guint8> bytes;
};

static std::vector<Out> push(Harness& harness, GstBuffer* buffer) {
  const GstFlowReturn flow = gst_harness_push(harness.h, buffer);
  fail_unless(flow == GST_FLOW_OK, "%s: %s", gst_flow_get_name(flow), check::take_errors(harness.bus()).text.c_str());
  std::vector<Out> all;
  while (GstBuffer* out = gst_harness_try_pull(harness.h)) {
    all.push_back({GST_BUFFER_PTS(out), GST_BUFFER_DURATION(out), GST_BUFFER_FLAGS(out), check::bytes(out)});
    gst_buffer_unref(out);
  }
  return all;
}

// Frame `index` of a picture that moves, or stands; flags: of the buffer.
static GstBuffer* frame(int index, bool moves = true, guint flags = 0) {
  GstBuffer* buffer = check::picture(check::info_of(progressive), index, moves ? 7 * index : 0);
  GST_BUFFER_FLAG_SET(buffer, flags);
  return buffer;
}

static std::vector<guint8> bytes_of_frame(int index, bool moves = true) {
  GstBuffer* buffer = frame(index, moves);
  std::vector<guint8> all = check::bytes(buffer);
  gst_buffer_unref(buffer);
  return all;
}

// Whether the luma lines first, first + 2, ... are those of the other.
static bool lines_agree(const std::vector<guint8>& a, const std::vector<guint8>& b, int first) {
  for (std::size_t y = static_cast<std::size_t>(first); y < 48; y += 2)
    if (memcmp(a.data() + 64 * y, b.data() + 64 * y, 64) != 0) return false;
  return true;
}

static void expect_caps(const Harness& harness, int rate, int scale, const std::string& what) {
  const GstVideoInfo info = check::out_info(harness);
  fail_unless(info.fps_n == rate && info.fps_d == 1 && info.width == 64 * scale, "%s: %d/%d", what.c_str(), info.fps_n,
              info.fps_d);
  fail_unless_equals_int(info.interlace_mode, GST_VIDEO_INTERLACE_MODE_PROGRESSIVE);
}

constexpr guint tff = GST_VIDEO_BUFFER_FLAG_TFF, interlaced = GST_VIDEO_BUFFER_FLAG_INTERLACED,
                rff = GST_VIDEO_BUFFER_FLAG_RFF, onefield = GST_VIDEO_BUFFER_FLAG_ONEFIELD;

// Caps, flags of the buffers, and the field that is first in time.
struct Video {
  std::string caps;
  guint flags;
  int first;
};
static const Video videos[] = {{top_first, 0, 0}, {bottom_first, 0, 1},         {unsaid, tff, 0},
                               {unsaid, 0, 1},    {mixed, interlaced | tff, 0}, {mixed, interlaced, 1}};

GST_START_TEST(every_field_becomes_a_frame_of_half_the_time) {
  const Video& video = videos[__i__];
  Harness harness(alone);
  harness.caps(video.caps);
  for (int i = 0; i < 4; ++i) {
    const auto out = push(harness, frame(i, true, video.flags));
    fail_unless_equals_int(out.size(), 2);
    for (int turn = 0; turn < 2; ++turn) {
      fail_unless_equals_uint64(out[turn].pts, i * check::frame_time + turn * check::frame_time / 2);
      fail_unless_equals_uint64(out[turn].duration, check::frame_time / 2);
      fail_unless_equals_int(out[turn].flags & (interlaced | tff | rff | onefield), 0);
      fail_unless(lines_agree(out[turn].bytes, bytes_of_frame(i), turn == 0 ? video.first : 1 - video.first));
    }
  }
  expect_caps(harness, 50, 1, video.caps);
}
GST_END_TEST

GST_START_TEST(one_of_the_fields_keeps_the_frame_rate) {
  for (const int wanted : {0, 1})
    for (const Video& video : videos) {
      Harness harness(alone + (wanted == 0 ? "fields=top" : "fields=bottom"));
      harness.caps(video.caps);
      for (int i = 0; i < 3; ++i) {
        const auto out = push(harness, frame(i, true, video.flags));
        fail_unless_equals_int(out.size(), 1);
        fail_unless_equals_uint64(out[0].pts, i * check::frame_time);
        fail_unless_equals_uint64(out[0].duration, check::frame_time);
        fail_unless(lines_agree(out[0].bytes, bytes_of_frame(i), wanted), "%s", video.caps.c_str());
      }
      expect_caps(harness, 25, 1, video.caps);
    }
}
GST_END_TEST

GST_START_TEST(a_standing_scene_comes_out_to_the_code_value) {
  for (const char* more : {"", "fields=top", "fields=bottom"}) {
    Harness harness(alone + more);
    harness.caps(top_first);
    push(harness, frame(0, false));
    for (int i = 1; i < 4; ++i)
      for (const Out& out : push(harness, frame(i, false))) fail_unless(out.bytes == bytes_of_frame(i, false), "%d", i);
  }
}
GST_END_TEST

static int infos(GstBus* bus) {
  int count = 0;
  while (GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_INFO)) {
    ++count;
    gst_message_unref(message);
  }
  return count;
}

GST_START_TEST(whole_frames_pass_untouched) {
  for (const std::string& caps : {progressive, mixed}) {
    Harness harness(alone);
    harness.caps(caps);
    for (int i = 0; i < 3; ++i) {
      const auto out = push(harness, frame(i));
      fail_unless_equals_int(out.size(), 1);
      fail_unless_equals_uint64(out[0].pts, i * check::frame_time);
      fail_unless_equals_uint64(out[0].duration, check::frame_time);
      fail_unless(out[0].bytes == bytes_of_frame(i));
    }
    for (int i = 3; i < 30; ++i) push(harness, frame(i));
    fail_unless_equals_int(infos(harness.bus()), 0);  // of noise that was not found, as nobody looked for it
    fail_unless_equals_uint64(harness.stat("prior-calls"), 0);
    fail_unless_equals_int(gst_base_transform_is_passthrough(GST_BASE_TRANSFORM(harness.element())),
                           caps == progressive);
  }
}
GST_END_TEST

GST_START_TEST(mixed_video_changes_from_frame_to_frame) {
  Harness harness(alone);
  harness.caps(mixed);
  for (int i = 0; i < 8; ++i) {
    const bool has_fields = i / 2 % 2 == 1;
    const auto out = push(harness, frame(i, true, has_fields ? interlaced | tff : 0));
    fail_unless_equals_int(out.size(), has_fields ? 2 : 1);
    if (!has_fields) fail_unless(out[0].bytes == bytes_of_frame(i));
  }
}
GST_END_TEST

GST_START_TEST(telecine_is_left_alone_and_said_so_once) {
  Harness harness(alone);
  harness.caps(mixed);
  for (int i = 0; i < 4; ++i) {
    const auto out = push(harness, frame(i, true, interlaced | tff | rff));
    fail_unless_equals_int(out.size(), 1);
    fail_unless(out[0].bytes == bytes_of_frame(i));
    fail_unless_equals_uint64(out[0].duration, check::frame_time);
  }
  fail_unless_equals_int(infos(harness.bus()), 1);
}
GST_END_TEST

GST_START_TEST(a_single_field_is_a_single_frame) {
  Harness harness(alone);
  harness.caps(mixed);
  const auto out = push(harness, frame(0, true, interlaced | tff | onefield));
  fail_unless_equals_int(out.size(), 1);
  fail_unless(lines_agree(out[0].bytes, bytes_of_frame(0), 0) && !lines_agree(out[0].bytes, bytes_of_frame(0), 1));
}
GST_END_TEST

GST_START_TEST(times_may_be_missing) {
  Harness harness(alone);
  harness.caps(top_first);
  GstBuffer* without_duration = frame(1);
  GST_BUFFER_DURATION(without_duration) = GST_CLOCK_TIME_NONE;
  auto out = push(harness, without_duration);
  fail_unless_equals_int(out.size(), 2);
  fail_unless_equals_uint64(out[1].pts, check::frame_time + check::frame_time / 2);
  fail_unless_equals_uint64(out[1].duration, GST_CLOCK_TIME_NONE);
  GstBuffer* without_time = frame(2);
  GST_BUFFER_PTS(without_time) = GST_CLOCK_TIME_NONE;
  out = push(harness, without_time);
  fail_unless_equals_int(out.size(), 2);
  fail_unless_equals_uint64(out[1].pts, GST_CLOCK_TIME_NONE);
  Harness variable(alone);
  variable.caps("video/x-raw,format=I420,width=64,height=48,framerate=0/1,interlace-mode=interleaved");
  fail_unless_equals_int(push(variable, frame(0)).size(), 2);
  fail_unless_equals_int(check::out_info(variable).fps_n, 0);
}
GST_END_TEST

GST_START_TEST(any_task_may_have_it_in_front) {
  const std::pair<const char*, int> tasks[] = {{"noise=10", 1}, {"task=super-resolution", 2}, {"strength=0", 1}};
  for (const auto& [settings, scale] : tasks) {
    Harness harness(std::string("reddiff prior=dct steps=1 deinterlace=auto ") + settings);
    harness.caps(top_first);
    for (int i = 0; i < 3; ++i) fail_unless_equals_int(push(harness, frame(i)).size(), 2);
    expect_caps(harness, 50, scale, settings);
    harness.caps(progressive);
    fail_unless_equals_int(push(harness, frame(3)).size(), 1);
    expect_caps(harness, 25, scale, settings);
  }
}
GST_END_TEST

GST_START_TEST(a_flush_forgets_the_field_before) {
  const auto begin = [](bool used) {
    Harness harness(alone);
    harness.caps(top_first);
    if (used) {
      push(harness, frame(5));
      gst_harness_push_event(harness.h, gst_event_new_flush_start());
      gst_harness_push_event(harness.h, gst_event_new_flush_stop(TRUE));
      GstSegment segment;
      gst_segment_init(&segment, GST_FORMAT_TIME);
      gst_harness_push_event(harness.h, gst_event_new_segment(&segment));
    }
    return push(harness, frame(0));
  };
  const auto fresh = begin(false), again = begin(true);
  fail_unless_equals_int(again.size(), 2);
  for (int turn = 0; turn < 2; ++turn) fail_unless(fresh[turn].bytes == again[turn].bytes);
}
GST_END_TEST

static GstPadProbeReturn refuse_one(GstPad*, GstPadProbeInfo* info, gpointer left) {
  if (--*static_cast<int*>(left) != 0) return GST_PAD_PROBE_OK;
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
  gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
  return GST_PAD_PROBE_HANDLED;
}

// Who refuses the first frame of a buffer is not given the second one with the next buffer.
GST_START_TEST(a_refused_frame_leaves_nothing_behind) {
  Harness harness(alone);
  harness.caps(top_first);
  push(harness, frame(0));
  int left = 1;
  gst_pad_add_probe(harness.h->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, refuse_one, &left, nullptr);
  fail_unless_equals_int(gst_harness_push(harness.h, frame(1)), GST_FLOW_ERROR);
  while (GstBuffer* out = gst_harness_try_pull(harness.h)) gst_buffer_unref(out);
  const auto out = push(harness, frame(2));
  fail_unless_equals_int(out.size(), 2);
  fail_unless_equals_uint64(out[0].pts, 2 * check::frame_time);
}
GST_END_TEST

GST_START_TEST(played_backwards_the_later_field_is_first) {
  Harness harness(alone);
  harness.caps(top_first);
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  segment.rate = -1;
  segment.stop = 10 * check::frame_time;
  gst_harness_push_event(harness.h, gst_event_new_segment(&segment));
  for (const int i : {3, 2}) {
    const auto out = push(harness, frame(i));
    fail_unless_equals_int(out.size(), 2);
    fail_unless_equals_uint64(out[0].pts, i * check::frame_time + check::frame_time / 2);
    fail_unless_equals_uint64(out[1].pts, i * check::frame_time);
    fail_unless(lines_agree(out[0].bytes, bytes_of_frame(i), 1) && lines_agree(out[1].bytes, bytes_of_frame(i), 0));
  }
}
GST_END_TEST

GST_START_TEST(settings_may_change_between_frames) {
  Harness harness(alone);
  harness.caps(top_first);
  fail_unless_equals_int(push(harness, frame(0)).size(), 2);
  gst_util_set_object_arg(G_OBJECT(harness.element()), "fields", "top");
  fail_unless_equals_int(push(harness, frame(1)).size(), 1);
  expect_caps(harness, 25, 1, "top");
  gst_util_set_object_arg(G_OBJECT(harness.element()), "fields", "all");
  fail_unless_equals_int(push(harness, frame(2)).size(), 2);
  expect_caps(harness, 50, 1, "all");
  gst_util_set_object_arg(G_OBJECT(harness.element()), "task", "denoise");
  fail_unless_equals_int(gst_harness_push(harness.h, frame(3)), GST_FLOW_NOT_NEGOTIATED);
  check::expect_error(check::take_errors(harness.bus()), "off", GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
                      "interlaced");
}
GST_END_TEST

// Each field in a buffer of its own is refused as it is without.
GST_START_TEST(fields_in_buffers_of_their_own_are_refused) {
  for (const std::string mode : {"fields", "alternate"}) {
    Harness harness(alone);
    const std::string features = mode == "alternate" ? "video/x-raw(format:Interlaced)" : "video/x-raw";
    harness.caps(features + progressive.substr(strlen("video/x-raw")) + ",interlace-mode=" + mode);
    GstBuffer* field = frame(0);
    fail_unless_equals_int(gst_harness_push(harness.h, field), GST_FLOW_NOT_NEGOTIATED);
    check::expect_error(check::take_errors(harness.bus()), mode, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, mode);
  }
}
GST_END_TEST

// Who names a rate behind it gets fields of half that rate in front.
GST_START_TEST(pipelines_negotiate) {
  const std::string source =
      "videotestsrc num-buffers=8 pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=";
  const std::string lines[] = {
      source + "50/1 ! interlace field-pattern=1:1 ! " + alone + "! video/x-raw,framerate=50/1 ! fakesink",
      source + "50/1 ! interlace field-pattern=2:2 ! " + alone + "fields=top ! videoconvert ! fakesink",
      source + "24/1 ! interlace field-pattern=2:3 ! queue ! " + alone + "! fakesink",
      source + "25/1 ! " + alone + "! video/x-raw,framerate=25/1 ! fakesink",
      source + "25/1,interlace-mode=interleaved ! " + alone + "! videorate ! video/x-raw,framerate=10/1 ! fakesink"};
  const std::string line = lines[__i__];
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(line.c_str(), &error);
  fail_unless(pipeline && !error, "%s", line.c_str());
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstMessage* message =
      gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  fail_unless(message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS, "%s", line.c_str());
  gst_message_unref(message);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
}
GST_END_TEST

static Suite* fields_suite() {
  Suite* suite = suite_create("fields");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_loop_test(cases, every_field_becomes_a_frame_of_half_the_time, 0, G_N_ELEMENTS(videos));
  tcase_add_test(cases, one_of_the_fields_keeps_the_frame_rate);
  tcase_add_test(cases, a_standing_scene_comes_out_to_the_code_value);
  tcase_add_test(cases, whole_frames_pass_untouched);
  tcase_add_test(cases, mixed_video_changes_from_frame_to_frame);
  tcase_add_test(cases, telecine_is_left_alone_and_said_so_once);
  tcase_add_test(cases, a_single_field_is_a_single_frame);
  tcase_add_test(cases, times_may_be_missing);
  tcase_add_test(cases, any_task_may_have_it_in_front);
  tcase_add_test(cases, a_flush_forgets_the_field_before);
  tcase_add_test(cases, a_refused_frame_leaves_nothing_behind);
  tcase_add_test(cases, played_backwards_the_later_field_is_first);
  tcase_add_test(cases, settings_may_change_between_frames);
  tcase_add_test(cases, fields_in_buffers_of_their_own_are_refused);
  tcase_add_loop_test(cases, pipelines_negotiate, 0, 5);
  return suite;
}

GST_CHECK_MAIN(fields)
