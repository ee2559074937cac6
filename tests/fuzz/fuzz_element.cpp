// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Reads its input as a session with one of the two elements: buffers that lie, caps, events, queries, properties and state changes
// in any order. Whatever comes, a push ends in one of the flows there are, a failure says so once, and a frame that leaves has the
// size that was negotiated. Built twice, like fuzz_safetensors: for libFuzzer, and with a main of its own.
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/api/operator_spec.h"
#include "tests/fuzz/session_bytes.h"

namespace {

using fuzz::Bytes;

const char* const lines[] = {"reddiff prior=dct steps=2 noise=10",
                             "reddiff prior=dct steps=2 task=super-resolution",
                             "reddiff prior=dct steps=2 operator=gaussian-blur:sigma=1 temporal=warm-start",
                             "reddiff prior=dct steps=2 task=inpaint",
                             "reddiff prior=dct steps=2 task=inpaint mask-source=roi",
                             "reddiff prior=dct steps=2 preset=paper",
                             "reddiffdegrade operator=average-pool:factor=2 noise=5",
                             "reddiffdegrade"};
// Every kind there is, and texts that are far-fetched or wrong.
const std::vector<const char*>& operators() {
  static const std::vector<const char*> texts = [] {
    std::vector<const char*> all = {"",  "gaussian-blur:sigma=20", "gray+bicubic",    "kernel:file=/dev/null",
                                    "+", "bicubic:factor=0",       "bicubic:factor=2"};
    for (const auto& kind : reddiff::operator_kinds()) all.push_back(kind.examples.front());
    return all;
  }();
  return texts;
}

long frames_out = 0;  // a fuzzer whose frames are all refused looks at nothing

[[noreturn]] void broken(const char* what) {
  std::fprintf(stderr, "broken promise: %s\n", what);
  __builtin_trap();
}

class Session {
 public:
  explicit Session(Bytes& bytes) : bytes_(bytes) {
    element_ = gst_parse_launch(bytes.one_of(lines), nullptr);
    bus_ = gst_bus_new();
    gst_element_set_bus(element_, bus_);
    h_ = gst_harness_new_with_element(element_, "sink", "src");
    begin();
  }
  ~Session() {
    gst_harness_teardown(h_);
    gst_element_set_bus(element_, nullptr);
    gst_object_unref(element_);
    gst_object_unref(bus_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void step() {
    switch (bytes_.below(10)) {
      case 0:
        return begin();
      case 1:
        return event();
      case 2:
        return property();
      case 3:
        return upstream();
      case 4:
        return state();
      default:
        return push();
    }
  }

 private:
  void begin() {
    gst_harness_push_event(h_, gst_event_new_stream_start(bytes_.flag() ? "one" : "two"));
    GstCaps* caps = fuzz::some_caps(bytes_, &info_);
    gst_harness_push_event(h_, gst_event_new_caps(caps));
    gst_caps_unref(caps);
    segment();
  }

  void segment() {
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    if (bytes_.flag()) segment.rate = bytes_.flag() ? -1 : 2;
    if (bytes_.flag()) segment.start = segment.position = bytes_.number();
    if (bytes_.flag()) segment.stop = bytes_.number();
    // Core asserts these two: they are the sender's to keep.
    if (segment.stop < segment.start) std::swap(segment.start, segment.stop);
    if (segment.rate < 0 && segment.stop == GST_CLOCK_TIME_NONE) segment.stop = segment.start + GST_SECOND;
    gst_harness_push_event(h_, gst_event_new_segment(&segment));
  }

  void event() {
    switch (bytes_.below(6)) {
      case 0:
        gst_harness_push_event(h_, gst_event_new_flush_start());
        if (bytes_.flag()) push();
        gst_harness_push_event(h_, gst_event_new_flush_stop(bytes_.flag()));
        return segment();
      case 1:
        return segment();
      case 2:
        gst_harness_push_event(h_, gst_event_new_gap(bytes_.number() >> 1, bytes_.number()));
        return;
      case 3:
        gst_harness_push_event(h_, gst_event_new_eos());
        return;
      case 4:
        gst_harness_push_event(h_, gst_event_new_tag(gst_tag_list_new_empty()));
        return;
      default:
        gst_harness_push_event(h_,
                               gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("anything")));
    }
  }

  void property() {
    guint count = 0;
    GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element_), &count);
    std::vector<GParamSpec*> own;
    std::copy_if(specs, specs + count, std::back_inserter(own), [&](const GParamSpec* spec) {
      return spec->owner_type == G_OBJECT_TYPE(element_) && spec->flags & G_PARAM_WRITABLE;
    });
    g_free(specs);
    const GParamSpec* spec = own[bytes_.below(static_cast<unsigned>(own.size()))];
    const std::string name = spec->name;
    if (name == "steps")  // never the preset's hundred
      g_object_set(element_, "steps", 1 + static_cast<int>(bytes_.below(3)), nullptr);
    else if (name == "operator")
      g_object_set(element_, "operator", bytes_.flag() ? bytes_.one_of(operators()) : bytes_.text().c_str(), nullptr);
    else if (name == "prior")  // no weights: they take longer than everything else
      g_object_set(element_, "prior", bytes_.flag() ? "dct" : bytes_.text().insert(0, 1, '!').c_str(), nullptr);
    else if (spec->value_type == G_TYPE_STRING)
      g_object_set(element_, spec->name, bytes_.flag() ? "cpu" : bytes_.text().c_str(), nullptr);
    else
      fuzz::set_number(element_, spec, bytes_);
  }

  void upstream() {
    switch (bytes_.below(4)) {
      case 0:
        gst_harness_push_upstream_event(
            h_,
            gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, bytes_.below(100) / 10.0,
                              static_cast<GstClockTimeDiff>(bytes_.below(1000)) * GST_MSECOND, bytes_.number() >> 1));
        return;
      case 1:
        gst_harness_push_upstream_event(h_, gst_event_new_reconfigure());
        return;
      case 2: {
        GstStructure* stats = nullptr;
        gst_harness_query_latency(h_);
        if (g_object_class_find_property(G_OBJECT_GET_CLASS(element_), "stats"))
          g_object_get(element_, "stats", &stats, nullptr);
        if (stats) gst_structure_free(stats);
        return;
      }
      default: {
        GstVideoInfo ignored;
        GstCaps* filter = fuzz::some_caps(bytes_, &ignored);
        GstPad* pad = gst_element_get_static_pad(element_, bytes_.flag() ? "src" : "sink");
        gst_caps_unref(gst_pad_query_caps(pad, filter));
        gst_object_unref(pad);
        gst_caps_unref(filter);
      }
    }
  }

  // Down and up again. Not started: settings are wrong, and one message says so.
  void state() {
    gst_element_set_state(element_, bytes_.flag() ? GST_STATE_READY : GST_STATE_NULL);
    count_errors();
    const bool failed = gst_element_set_state(element_, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE;
    if (failed != (count_errors() == 1)) broken("a start fails with one message, or works with none");
    if (failed) {  // what is pushed now meets pads that are not active
      gst_element_set_state(element_, GST_STATE_NULL);
      active_ = false;
      return;
    }
    active_ = true;
    begin();
  }

  void push() {
    if (!active_) return;
    GstBuffer* buffer = fuzz::some_buffer(bytes_, info_);
    count_errors();
    const GstFlowReturn flow = gst_harness_push(h_, buffer);
    const int errors = count_errors();
    if (errors > 1) broken("a failure is told once");
    if (flow == GST_FLOW_OK && errors) broken("an error with a frame");
    if (flow != GST_FLOW_OK && flow != GST_FLOW_ERROR && flow != GST_FLOW_NOT_NEGOTIATED && flow != GST_FLOW_FLUSHING &&
        flow != GST_FLOW_EOS)
      broken("a flow that no element may return");
    while (GstBuffer* out = gst_harness_try_pull(h_)) {
      ++frames_out;
      GstVideoInfo info;
      GstCaps* caps = gst_pad_get_current_caps(h_->sinkpad);
      const bool known = caps && gst_video_info_from_caps(&info, caps);
      // Without restoring, the buffer that came is the buffer that goes.
      if (known && out != buffer && gst_buffer_get_size(out) < GST_VIDEO_INFO_SIZE(&info)) broken("a frame too small");
      if (caps) gst_caps_unref(caps);
      gst_buffer_unref(out);
    }
  }

  int count_errors() {
    int count = 0;
    while (GstMessage* message = gst_bus_pop(bus_)) {
      if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        ++count;
        GError* error = nullptr;
        gst_message_parse_error(message, &error, nullptr);
        for (const char* inner : {"internal error", "LibTorch reported", "the solver failed"})
          if (std::strstr(error->message, inner)) broken(error->message);
        g_error_free(error);
      }
      gst_message_unref(message);
    }
    return count;
  }

  Bytes& bytes_;
  GstElement* element_;
  GstBus* bus_;
  GstHarness* h_;
  GstVideoInfo info_;
  bool active_ = true;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  g_setenv("GST_PLUGIN_PATH_1_0", PLUGIN_FOLDER, TRUE);
  g_setenv("GST_REGISTRY_1_0", PLUGIN_FOLDER "/fuzz.registry", TRUE);
  g_setenv("GST_REGISTRY_FORK", "no", TRUE);  // a sanitized plugin loads into a sanitized program only
  g_setenv("OMP_NUM_THREADS", "1", FALSE);
  gst_init(nullptr, nullptr);
  g_log_set_always_fatal(static_cast<GLogLevelFlags>(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR));
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  Session session(bytes);
  for (int steps = 0; steps < 24 && !bytes.empty(); ++steps) session.step();
  return 0;
}

#ifdef REDDIFF_FUZZ_MAIN

#include <random>

int main(int argc, char** argv) {
  LLVMFuzzerInitialize(&argc, &argv);
  const long rounds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 100;
  std::mt19937_64 random(1);
  for (long round = 0; round < rounds; ++round) {
    std::vector<std::uint8_t> data(random() % 400);
    for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(random());
    LLVMFuzzerTestOneInput(data.data(), data.size());
  }
  std::printf("%ld sessions, %ld frames came out: every promise was kept\n", rounds, frames_out);
  return frames_out < rounds;
}

#endif
