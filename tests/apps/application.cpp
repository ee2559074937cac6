// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An application in C: builds its pipeline by hand, turns every knob while it plays, puts the element into the running
// pipeline and takes it out, seeks, plays faster and backwards.
#include <atomic>
#include <functional>

#include "tests/check/check_util.h"

namespace {

constexpr int width = 64, height = 48;
constexpr GstClockTime patience = 30 * GST_SECOND;
constexpr int patience_ms = 30000;

struct Frame {
  GstClockTime time;
  int width, height;
  double rate;
  std::vector<guint8> bytes;
};

// videotestsrc ! caps ! reddiff ! fakesink; `link` leaves the element out. What reaches the sink is kept.
class Application {
 public:
  explicit Application(int length, bool with_element = true) {
    pipeline_ = gst_pipeline_new(nullptr);
    source_ = make("videotestsrc");
    filter = make("capsfilter");
    sink = make("fakesink");
    g_object_set(source_, "num-buffers", length, nullptr);
    gst_util_set_object_arg(G_OBJECT(source_), "pattern", "ball");
    GstCaps* caps = gst_caps_from_string(check::caps_text("I420", width, height).c_str());
    g_object_set(filter, "caps", caps, nullptr);
    gst_caps_unref(caps);
    gst_bin_add_many(GST_BIN(pipeline_), source_, filter, sink, nullptr);
    fail_unless(gst_element_link(source_, filter));
    if (with_element) {
      add_element();
      fail_unless(gst_element_link_many(filter, element, sink, nullptr));
    } else {
      fail_unless(gst_element_link(filter, sink));
    }
    GstPad* pad = gst_element_get_static_pad(sink, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, this, nullptr);
    gst_object_unref(pad);
  }
  ~Application() {
    set_state(GST_STATE_NULL);
    gst_object_unref(pipeline_);
  }
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  void add_element() {
    element = make("reddiff");
    g_object_set(element, "prior", "dct", "steps", 2, "noise", 10.0, nullptr);
    gst_bin_add(GST_BIN(pipeline_), element);
  }

  void set_state(GstState state) {
    fail_unless(gst_element_set_state(pipeline_, state) != GST_STATE_CHANGE_FAILURE);
    fail_unless_equals_int(gst_element_get_state(pipeline_, nullptr, nullptr, patience), GST_STATE_CHANGE_SUCCESS);
  }

  void play() { gst_element_set_state(pipeline_, GST_STATE_PLAYING); }

  void until_end() {
    GstBus* bus = gst_element_get_bus(pipeline_);
    const auto kinds = static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    GstMessage* message = gst_bus_timed_pop_filtered(bus, patience, kinds);
    gst_object_unref(bus);
    fail_unless(message != nullptr, "neither end nor error");
    fail_unless_equals_string(GST_MESSAGE_TYPE_NAME(message), "eos");
    gst_message_unref(message);
  }

  void seek(double rate, GstClockTime from, GstClockTime to) {
    fail_unless(gst_element_seek(pipeline_, rate, GST_FORMAT_TIME,
                                 static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
                                 GST_SEEK_TYPE_SET, from, GST_SEEK_TYPE_SET, to));
    fail_unless_equals_int(gst_element_get_state(pipeline_, nullptr, nullptr, patience), GST_STATE_CHANGE_SUCCESS);
  }

  check::Errors take_errors() const {
    GstBus* bus = gst_element_get_bus(pipeline_);
    const check::Errors errors = check::take_errors(bus, element);
    gst_object_unref(bus);
    return errors;
  }

  // Blocks the application, not the stream.
  void wait_for_frames(int count) {
    for (int waited = 0; seen < count; ++waited) {
      const check::Errors errors = take_errors();
      fail_unless_equals_string(errors.text.c_str(), "");
      fail_unless(waited < patience_ms, "%d of %d frames", seen.load(), count);
      g_usleep(1000);
    }
  }

  guint64 frames_out() const {
    GstStructure* stats = nullptr;
    guint64 value = 0;
    g_object_get(element, "stats", &stats, nullptr);
    fail_unless(gst_structure_get_uint64(stats, "frames-out", &value));
    gst_structure_free(stats);
    return value;
  }

  // Frame `i` has the time (from + i) * step.
  void expect_times(int count, int from = 0, int step = 1) const {
    fail_unless_equals_int(frames.size(), count);
    for (int i = 0; i < count; ++i) fail_unless_equals_uint64(frames[i].time, (from + i * step) * check::frame_time);
  }

  void forget() {
    frames.clear();
    seen = 0;
  }

  GstElement *filter, *element = nullptr, *sink;
  std::vector<Frame> frames;  // read it when the stream stands still
  std::atomic<int> seen = 0;

 private:
  static GstElement* make(const char* factory) {
    GstElement* made = gst_element_factory_make(factory, nullptr);
    fail_unless(made != nullptr, "no element %s", factory);
    return made;
  }

  static GstPadProbeReturn on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
    auto* self = static_cast<Application*>(data);
    GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    const GstVideoInfo video = check::current_info(pad);
    GstEvent* event = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
    const GstSegment* segment = nullptr;
    gst_event_parse_segment(event, &segment);
    self->frames.push_back({gst_segment_to_stream_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer)),
                            GST_VIDEO_INFO_WIDTH(&video), GST_VIDEO_INFO_HEIGHT(&video), segment->rate,
                            check::bytes(buffer)});
    gst_event_unref(event);
    ++self->seen;
    return GST_PAD_PROBE_OK;
  }

  GstElement *pipeline_, *source_;
};

// Runs `change` while `pad` lets nothing through.
void while_blocked(GstPad* pad, const std::function<void()>& change) {
  struct Job {
    const std::function<void()>* change;
    std::atomic<bool> done = false;
  } job{&change};
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer data) {
        auto* blocked = static_cast<Job*>(data);
        (*blocked->change)();
        blocked->done = true;
        return GST_PAD_PROBE_REMOVE;
      },
      &job, nullptr);
  for (int waited = 0; !job.done; ++waited) {
    fail_unless(waited < patience_ms, "the pad was not blocked");
    g_usleep(1000);
  }
}

}  // namespace

GST_START_TEST(plays_and_plays_again) {
  Application plain(20, false), app(20);
  plain.play();
  plain.until_end();
  app.play();
  app.until_end();
  app.expect_times(20);
  fail_unless_equals_uint64(app.frames_out(), 20);
  for (int i = 0; i < 20; ++i) fail_unless(app.frames[i].bytes != plain.frames[i].bytes, "frame %d is the input", i);
  const std::vector<Frame> before = app.frames;
  app.set_state(GST_STATE_NULL);
  app.forget();
  app.play();
  app.until_end();
  app.expect_times(20);
  for (int i = 0; i < 20; ++i) fail_unless(app.frames[i].bytes == before[i].bytes, "frame %d differs", i);
}
GST_END_TEST

GST_START_TEST(changes_properties_while_playing) {
  // Each setting is kept until it has been seen; `side` is the factor of the size that it leads to.
  struct Setting {
    const char *name, *value;
    int side;
  };
  const Setting settings[] = {
      {"strength", "0.5", 1},
      {"noise", "25", 1},
      {"noise", "-1", 1},
      {"task", "super-resolution", 2},
      {"scale", "3", 3},
      {"strength", "0", 3},
      {"operator", "gaussian-blur:sigma=1+bicubic:factor=3", 3},
      {"operator", "", 3},
      {"scale", "0", 2},
      {"task", "restore", 1},
      {"strength", "1", 1},
      {"operator", "bicubic:factor=4", 4},
      {"operator", "", 1},
      {"task", "denoise", 1},
      {"temporal", "none", 1},
      {"preset", "quality", 1},
  };
  constexpr int frames = 3000;
  Application app(frames);
  app.play();
  app.wait_for_frames(1);
  std::vector<int> at;
  for (const Setting& setting : settings) {
    gst_util_set_object_arg(G_OBJECT(app.element), setting.name, setting.value);
    // The frame that is being restored now has the old setting, and so may the one behind it.
    app.wait_for_frames(app.seen + 6);
    at.push_back(app.seen - 1);
  }
  app.set_state(GST_STATE_PAUSED);
  fail_unless(app.seen < frames);
  app.expect_times(static_cast<int>(app.frames.size()));
  for (std::size_t i = 0; i < at.size(); ++i) {
    fail_unless_equals_int(app.frames[at[i]].width, width * settings[i].side);
    fail_unless_equals_int(app.frames[at[i]].height, height * settings[i].side);
  }
  fail_unless_equals_int(app.take_errors().count, 0);
}
GST_END_TEST

GST_START_TEST(comes_and_goes_while_playing) {
  Application app(-1, false);
  g_object_set(app.sink, "sync", TRUE, nullptr);
  GstPad* pad = gst_element_get_static_pad(app.filter, "src");
  GstElement* pipeline = GST_ELEMENT(GST_ELEMENT_PARENT(app.sink));
  app.play();
  for (int round = 0; round < 5; ++round) {
    app.wait_for_frames(app.seen + 5);
    while_blocked(pad, [&] {
      gst_element_unlink(app.filter, app.sink);
      app.add_element();
      fail_unless(gst_element_link_many(app.filter, app.element, app.sink, nullptr));
      fail_unless(gst_element_sync_state_with_parent(app.element));
    });
    app.wait_for_frames(app.seen + 5);
    fail_unless(app.frames_out() >= 4);
    while_blocked(pad, [&] {
      gst_object_ref(app.element);
      gst_element_unlink_many(app.filter, app.element, app.sink, nullptr);
      gst_bin_remove(GST_BIN(pipeline), app.element);
      fail_unless(gst_element_link(app.filter, app.sink));
    });
    fail_unless_equals_int(gst_element_set_state(app.element, GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
    gst_object_unref(app.element);
  }
  app.wait_for_frames(app.seen + 5);
  app.set_state(GST_STATE_READY);
  app.expect_times(app.seen);
  gst_object_unref(pad);
}
GST_END_TEST

GST_START_TEST(seeks_while_playing) {
  Application app(-1);
  app.play();
  for (const int index : {50, 10, 200, 0}) {
    app.wait_for_frames(app.seen + 3);
    app.set_state(GST_STATE_PAUSED);
    app.forget();
    app.seek(1, index * check::frame_time, (index + 10) * check::frame_time);
    app.play();
    app.until_end();
    app.expect_times(10, index);
    app.forget();
    app.seek(1, 0, GST_CLOCK_TIME_NONE);
  }
}
GST_END_TEST

GST_START_TEST(changes_its_rate) {
  Application app(-1);
  g_object_set(app.sink, "sync", TRUE, nullptr);
  g_object_set(app.element, "qos", FALSE, nullptr);
  app.set_state(GST_STATE_PAUSED);
  app.forget();
  app.seek(4, 0, 20 * check::frame_time);
  const gint64 began = g_get_monotonic_time();
  app.play();
  app.until_end();
  app.expect_times(20);
  for (const Frame& frame : app.frames) fail_unless_equals_float(frame.rate, 4);
  // 0.8 s of video: not faster than four times, and a slow machine is late, not wrong.
  fail_unless(g_get_monotonic_time() - began > 150000);
}
GST_END_TEST

GST_START_TEST(plays_backwards) {
  Application app(-1);
  app.set_state(GST_STATE_PAUSED);
  app.forget();
  app.seek(-1, 0, 20 * check::frame_time);
  app.play();
  app.until_end();
  app.expect_times(21, 20, -1);  // videotestsrc begins with the frame at the stop
  fail_unless(app.frames_out() >= 21);
}
GST_END_TEST

GST_START_TEST(two_in_one_pipeline) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(
      "videotestsrc num-buffers=20 pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! tee "
      "name=t "
      "t. ! queue ! reddiff name=a prior=dct steps=2 noise=10 ! fakesink "
      "t. ! queue ! reddiff name=b prior=dct steps=2 noise=10 ! reddiff prior=dct steps=1 noise=5 ! fakesink",
      &error);
  fail_unless(pipeline && !error, "%s", error ? error->message : "?");
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  GstBus* bus = gst_element_get_bus(pipeline);
  GstMessage* message =
      gst_bus_timed_pop_filtered(bus, patience, static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  fail_unless(message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS);
  gst_message_unref(message);
  for (const char* name : {"a", "b"}) {
    GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), name);
    GstStructure* stats = nullptr;
    guint64 out = 0;
    g_object_get(element, "stats", &stats, nullptr);
    fail_unless(gst_structure_get_uint64(stats, "frames-out", &out));
    fail_unless_equals_uint64(out, 20);
    gst_structure_free(stats);
    gst_object_unref(element);
  }
  gst_object_unref(bus);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}
GST_END_TEST

static Suite* application_suite() {
  Suite* suite = suite_create("application");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, plays_and_plays_again);
  tcase_add_test(cases, changes_properties_while_playing);
  tcase_add_test(cases, comes_and_goes_while_playing);
  tcase_add_test(cases, seeks_while_playing);
  tcase_add_test(cases, changes_its_rate);
  tcase_add_test(cases, plays_backwards);
  tcase_add_test(cases, two_in_one_pipeline);
  return suite;
}

GST_CHECK_MAIN(application)
