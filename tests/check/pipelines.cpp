// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole pipelines with elements of GStreamer, to files.
#include "tests/check/folder.h"

static GstElement* launch(const std::string& line) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(line.c_str(), &error);
  fail_unless(pipeline && !error, "%s: %s", line.c_str(), error ? error->message : "?");
  return pipeline;
}

// Runs to the end; fails on an error message.
static void run(const std::string& line) {
  GstElement* pipeline = launch(line);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* message =
      gst_bus_timed_pop_filtered(bus, 120 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  fail_unless(message != nullptr, "%s: neither end nor error", line.c_str());
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gchar* debug = nullptr;
    gst_message_parse_error(message, &error, &debug);
    fail("%s: %s (%s)", line.c_str(), error->message, debug);
  }
  gst_message_unref(message);
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}

// What `line ! filesink` writes.
static std::string written(const std::string& line) {
  const check::Folder folder;
  run(line + " ! filesink location=" + folder.at("out"));
  return check::read_file(folder.at("out"));
}

static const std::string source =
    "videotestsrc num-buffers=3 pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! ";

GST_START_TEST(degrade_and_restore_to_a_file) {
  const std::string line = source +
                           "reddiffdegrade operator=average-pool:factor=2 noise=5 ! "
                           "reddiff operator=average-pool:factor=2 noise=5 prior=dct steps=3 ! y4menc";
  const std::string y4m = written(line);
  fail_unless_equals_int(y4m.compare(0, 9, "YUV4MPEG2"), 0);
  fail_unless(y4m.find("W64 H48") != std::string::npos, "%s", y4m.substr(0, 80).c_str());
  const std::size_t header = y4m.find('\n') + 1;
  fail_unless_equals_uint64(y4m.size() - header, 3 * (6 + 64 * 48 * 3 / 2));
  fail_unless(y4m == written(line));
  const std::string jpeg = written(source + "reddiff prior=dct steps=2 noise=10 task=super-resolution ! jpegenc");
  fail_unless(jpeg.size() > 100 && static_cast<guint8>(jpeg[0]) == 0xFF && static_cast<guint8>(jpeg[1]) == 0xD8);
}
GST_END_TEST

// Elements that take only caps which the whole pipeline behind them takes, and senders that say less than they could.
GST_START_TEST(behind_elements_that_ask_first) {
  const std::string after[] = {"! reddiff prior=dct steps=1 noise=10 ", "! reddiffdegrade noise=5 ",
                               "! reddiff prior=dct task=super-resolution steps=1 ! reddiffdegrade noise=5 "};
  for (const std::string& element : after) {
    run(source + "timeoverlay " + element + "! fakesink");
    run(source +
        "capssetter replace=true caps=\"video/x-raw,format=I420,width=64,height=48,framerate=25/1\" ! timeoverlay " +
        element + "! fakesink");
  }
}
GST_END_TEST

GST_START_TEST(live_source) {
  run("videotestsrc is-live=true num-buffers=5 ! video/x-raw,width=32,height=24,framerate=25/1 ! "
      "reddiff prior=dct noise=10 ! fakesink sync=true");
}
GST_END_TEST

GST_START_TEST(negotiates_with_neighbours) {
  // The size is asked for downstream only; the source follows.
  const std::string raw = written(
      "videotestsrc num-buffers=1 ! reddiff prior=dct steps=1 noise=5 task=super-resolution ! "
      "video/x-raw,format=GRAY8,width=64,height=48");
  fail_unless_equals_uint64(raw.size(), 64 * 48);
  run("videotestsrc num-buffers=2 ! video/x-raw,format=AYUV,width=32,height=24 ! videoconvert ! "
      "reddiff prior=dct steps=1 task=inpaint ! videoconvert ! video/x-raw,format=I420 ! fakesink");
}
GST_END_TEST

// The recipe for a mask stream in pipelines/README.md, with a mask whose white is 235. White everywhere is a mask of nothing, black of
// everything: what comes out must depend on it.
static std::string masked_by(const std::string& pattern) {
  const std::string size = "width=64,height=48,framerate=25/1";
  return written("videotestsrc num-buffers=2 pattern=smpte ! video/x-raw,format=I420," + size +
                 " ! c.sink videotestsrc num-buffers=2 pattern=" + pattern + " ! video/x-raw,format=GRAY8," + size +
                 " ! videoconvert ! video/x-raw,format=I420 ! c.alpha alphacombine name=c ! reddiff task=inpaint "
                 "prior=dct noise=1 ! "
                 "videoconvert ! video/x-raw,format=GRAY8");
}

GST_START_TEST(a_mask_stream) {
  const std::string all = masked_by("white"), part = masked_by("pinwheel");
  // alphacombine of GStreamer 1.26 may lose the last frame when one stream ends before the other: the first counts.
  constexpr std::size_t frame = 64 * 48;
  fail_unless(all.size() >= frame && all.size() <= 2 * frame && part.size() >= frame);
  double changed = 0;
  for (std::size_t i = 0; i < frame; ++i)
    changed += std::abs(static_cast<guint8>(all[i]) - static_cast<guint8>(part[i]));
  changed /= frame;
  fail_unless(changed > 0.1 && changed < 40, "%f", changed);  // bars, filled from their neighbours
}
GST_END_TEST

GST_START_TEST(seeks) {
  GstElement* pipeline = launch(
      "videotestsrc num-buffers=100 ! video/x-raw,width=32,height=24,framerate=25/1 ! reddiff prior=dct steps=2 "
      "noise=10 "
      "name=r ! fakesink");
  fail_unless(gst_element_set_state(pipeline, GST_STATE_PAUSED) != GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int(gst_element_get_state(pipeline, nullptr, nullptr, 60 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  for (int i = 1; i <= 5; ++i) {
    fail_unless(gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, i * 100 * GST_MSECOND));
    fail_unless_equals_int(gst_element_get_state(pipeline, nullptr, nullptr, 60 * GST_SECOND),
                           GST_STATE_CHANGE_SUCCESS);
  }
  GstBus* bus = gst_element_get_bus(pipeline);
  fail_unless_equals_int(check::take_errors(bus).count, 0);
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}
GST_END_TEST

GST_START_TEST(failure_in_a_pipeline) {
  GstElement* pipeline = launch("videotestsrc ! reddiff operator=nonsense name=r ! fakesink");
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "r");
  GstBus* bus = gst_element_get_bus(pipeline);
  fail_unless_equals_int(gst_element_set_state(pipeline, GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int(check::take_errors(bus, element).count, 1);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(element);
  gst_object_unref(bus);
  gst_object_unref(pipeline);
}
GST_END_TEST

static Suite* pipelines_suite() {
  Suite* suite = suite_create("pipelines");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, degrade_and_restore_to_a_file);
  tcase_add_test(cases, behind_elements_that_ask_first);
  tcase_add_test(cases, live_source);
  tcase_add_test(cases, negotiates_with_neighbours);
  tcase_add_test(cases, a_mask_stream);
  tcase_add_test(cases, seeks);
  tcase_add_test(cases, failure_in_a_pipeline);
  return suite;
}

GST_CHECK_MAIN(pipelines)
