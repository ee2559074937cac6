// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole pipelines whose data was damaged on the way. The pipeline ends or stops with one error; the element neither crashes nor
// hangs, and complains only of what is wrong at its own pad.
#include "tests/check/failures.h"

namespace {

struct End {
  bool eos = false;
  check::Errors own;  // of the elements under test
  guint64 frames_out = 0;
};

// Runs to the end or to an error. `r` is the name of the element under test.
End run(const std::string& line) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(line.c_str(), &error);
  fail_unless(pipeline && !error, "%s: %s", line.c_str(), error ? error->message : "?");
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "r");
  GstBus* bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  End end;
  GstMessage* message = gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND,
                                                   static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  fail_unless(message != nullptr, "%s: neither end nor error", line.c_str());
  end.eos = GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
  if (!end.eos) gst_bus_post(bus, gst_message_ref(message));
  gst_message_unref(message);
  GstStructure* stats = nullptr;
  g_object_get(element, "stats", &stats, nullptr);
  gst_structure_get_uint64(stats, "frames-out", &end.frames_out);
  gst_structure_free(stats);
  end.own = check::take_errors(bus, element);  // before the state NULL, which empties the bus
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(bus);
  gst_object_unref(element);
  gst_object_unref(pipeline);
  return end;
}

const std::string source = "videotestsrc num-buffers=15 pattern=ball ! video/x-raw,format=I420,width=64,height=48 ! ";
const std::string restore = "videoconvert ! reddiff name=r prior=dct steps=2 noise=10 ! fakesink";

struct Codec {
  const char* name;
  const char* encoder;
  const char* decoder;
  int first_bytes;  // that are left alone: the headers, without which nothing would be decoded
};

const Codec codecs[] = {
    {"jpeg", "jpegenc ! ", "jpegdec ! ", 700},
    {"png", "videoconvert ! pngenc ! ", "pngdec ! ", 3000},
    {"vp8", "vp8enc deadline=1 ! ", "vp8dec ! ", 300},
    {"theora", "theoraenc ! ", "theoradec ! ", 5000},
    {"h264", "x264enc tune=zerolatency speed-preset=ultrafast ! video/x-h264,stream-format=byte-stream ! ",
     "h264parse ! avdec_h264 ! ", 1000},
};

}  // namespace

GST_START_TEST(damaged_bytes_before_a_decoder) {
  const Codec& codec = codecs[__i__];
  guint64 restored = 0;
  for (const char* probability : {"0.002", "0.05"})
    for (const int seed : {1, 2}) {
      const End end =
          run(source + codec.encoder + "breakmydata probability=" + probability + " seed=" + std::to_string(seed) +
              " skip=" + std::to_string(codec.first_bytes) + " ! " + codec.decoder + restore);
      fail_unless(end.own.count == 0, "%s: %s", codec.name, end.own.text.c_str());
      restored += end.frames_out;
    }
  fail_unless(restored > 0, "%s: nothing was ever decoded", codec.name);
}
GST_END_TEST

// A parser puts the pieces together again.
GST_START_TEST(pieces_before_a_parser) {
  const End end = run(source + "jpegenc ! chopmydata min-size=300 max-size=300 ! jpegparse ! jpegdec ! " + restore);
  fail_unless(end.own.count == 0, "%s", end.own.text.c_str());
  fail_unless(end.eos && end.frames_out > 0, "%d frames", static_cast<int>(end.frames_out));
}
GST_END_TEST

GST_START_TEST(pieces_as_frames) {
  const End end = run(source + "chopmydata min-size=100 max-size=3000 ! reddiff name=r prior=dct noise=10 ! fakesink");
  fail_unless(!end.eos);
  check::expect_error(end.own, "pieces of frames", GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
}
GST_END_TEST

// Any bytes are a picture.
GST_START_TEST(damaged_raw_frames) {
  for (const char* probability : {"0.01", "1"}) {
    const End end = run(source + "breakmydata probability=" + probability + " ! " +
                        "reddiff name=r prior=dct steps=2 operator=gaussian-blur:sigma=1 ! fakesink");
    fail_unless(end.eos && end.own.count == 0 && end.frames_out == 15, "%s", end.own.text.c_str());
  }
}
GST_END_TEST

static Suite* hostile_streams_suite() {
  Suite* suite = suite_create("hostile_streams");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_loop_test(cases, damaged_bytes_before_a_decoder, 0, G_N_ELEMENTS(codecs));
  tcase_add_test(cases, pieces_before_a_parser);
  tcase_add_test(cases, pieces_as_frames);
  tcase_add_test(cases, damaged_raw_frames);
  return suite;
}

GST_CHECK_MAIN(hostile_streams)
