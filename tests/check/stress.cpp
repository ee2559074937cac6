// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Many threads at one element. Worth most under ThreadSanitizer.
#include <atomic>
#include <thread>

#include "tests/check/check_util.h"

using check::Harness;

static const std::string caps = check::caps_text("I420", 64, 48);

// gst_harness_stress_custom_start hands its thread, not the harness, to the callback.
static Harness* stressed = nullptr;

static void ask_latency(gpointer, gpointer) {
  gst_harness_query_latency(stressed->h);
  stressed->stat("frames-out");
}

static void pull_all(gpointer, gpointer) {
  while (GstBuffer* buffer = gst_harness_try_pull(stressed->h)) gst_buffer_unref(buffer);
}

// Two changes of the size and one back, at any moment of a negotiation.
static void change_size(gpointer, gpointer) {
  static guint index = 0;
  const char* const operators[] = {"", "bicubic:factor=2", "bicubic:factor=3"};
  g_object_set(stressed->element(), "operator", operators[index++ % 3], nullptr);
}

static GstBuffer* next_picture(GstHarness*, gpointer) {
  static int index = 0;
  ++index;
  return check::picture(check::info_of(caps), index, index);
}

// Buffers, QoS, reconfiguration, latency queries and three properties, one that only speaks to the next frame, one that makes a new
// Restorer and one that keeps changing the output's size.
GST_START_TEST(everything_at_once) {
  Harness harness(std::string(check::fast) + "post-messages=true");
  stressed = &harness;
  harness.caps(caps);
  GstCaps* gst_caps = gst_caps_from_string(caps.c_str());
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  GstEvent* qos = gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, GST_MSECOND, 0);  // frame 0 alone is too late
  GstEvent* again = gst_event_new_reconfigure();
  GValue value = G_VALUE_INIT, steps = G_VALUE_INIT;
  g_value_init(&value, G_TYPE_DOUBLE);
  g_value_set_double(&value, 20);
  g_value_init(&steps, G_TYPE_INT);
  g_value_set_int(&steps, 1);
  GstHarnessThread* threads[] = {
      gst_harness_stress_push_buffer_with_cb_start(harness.h, gst_caps, &segment, next_picture, nullptr, nullptr),
      gst_harness_stress_send_upstream_event_start(harness.h, qos),
      gst_harness_stress_send_upstream_event_start(harness.h, again),
      gst_harness_stress_custom_start(harness.h, nullptr, ask_latency, nullptr, G_USEC_PER_SEC / 1000),
      gst_harness_stress_custom_start(harness.h, nullptr, pull_all, nullptr, G_USEC_PER_SEC / 1000),
      gst_harness_stress_property_start(harness.h, "noise", &value),
      gst_harness_stress_property_start(harness.h, "steps", &steps),
      gst_harness_stress_custom_start(harness.h, nullptr, change_size, nullptr, 3000),
  };
  while (harness.stat("frames-out") < 30) g_usleep(10000);
  for (GstHarnessThread* thread : threads) gst_harness_stress_thread_stop(thread);
  const check::Errors errors = check::take_errors(harness.bus());
  fail_unless(errors.count == 0, "%s", errors.text.c_str());
  for (GValue* v : {&value, &steps}) g_value_unset(v);
  gst_event_unref(qos);
  gst_event_unref(again);
  gst_caps_unref(gst_caps);
}
GST_END_TEST

// A pipeline that starts, stops and seeks while others set, ask and send.
GST_START_TEST(state_changes_under_fire) {
  GstElement* pipeline = gst_parse_launch(
      "videotestsrc ! video/x-raw,width=64,height=48,framerate=25/1 ! reddiff name=r prior=dct noise=10 steps=2 ! "
      "fakesink",
      nullptr);
  GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline), "r");
  GstPad* src = gst_element_get_static_pad(element, "src");
  std::atomic<bool> running = true;
  const auto repeat = [&](auto work) {
    return std::thread([&running, work] {
      for (guint i = 0; running; ++i) {
        work(i);
        g_usleep(500);
      }
    });
  };
  std::thread threads[] = {
      repeat([=](guint i) {
        g_object_set(element, "strength", (i % 3) / 2.0, "noise", i % 50 - 1.0, nullptr);
        if (i % 8 == 0) g_object_set(element, "operator", i % 16 ? "" : "gaussian-blur:sigma=1", nullptr);
        if (i % 32 == 0) g_object_set(element, "prior", "dct", "device", "cpu", nullptr);
      }),
      repeat([=](guint) {
        GstQuery* query = gst_query_new_latency();
        gst_element_query(pipeline, query);
        gst_query_unref(query);
        GstStructure* stats = nullptr;
        g_object_get(element, "stats", &stats, nullptr);
        gst_structure_free(stats);
      }),
      repeat([=](guint i) {
        gst_pad_send_event(src, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, GST_MSECOND, i * GST_MSECOND));
        gst_pad_send_event(src, gst_event_new_reconfigure());
      }),
      repeat([=](guint i) {
        if (i % 20 == 0)
          gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, (i % 100) * 40 * GST_MSECOND);
      }),
  };
  const GstState states[] = {GST_STATE_PLAYING, GST_STATE_PAUSED,  GST_STATE_PLAYING,
                             GST_STATE_READY,   GST_STATE_PLAYING, GST_STATE_NULL};
  for (guint i = 0; i < 150; ++i) {
    fail_unless(gst_element_set_state(pipeline, states[i % G_N_ELEMENTS(states)]) != GST_STATE_CHANGE_FAILURE);
    g_usleep(i % 7 * 2000);
  }
  running = false;
  for (std::thread& thread : threads) thread.join();
  gst_element_set_state(pipeline, GST_STATE_NULL);
  GstBus* bus = gst_element_get_bus(pipeline);
  const check::Errors errors = check::take_errors(bus, element);
  fail_unless(errors.count == 0, "%s", errors.text.c_str());
  gst_object_unref(bus);
  gst_object_unref(src);
  gst_object_unref(element);
  gst_object_unref(pipeline);
}
GST_END_TEST

// Two elements load the same weights at the same time and share them.
GST_START_TEST(elements_side_by_side) {
  std::vector<std::vector<guint8>> outputs(3);
  std::vector<std::thread> threads;
  for (auto& output : outputs)
    threads.emplace_back([&output] {
      Harness harness("reddiff prior=tiny steps=1 noise=10 device=cpu");
      harness.caps(caps);
      output = check::stream(harness, caps, 2).back();
    });
  for (std::thread& thread : threads) thread.join();
  fail_unless(outputs[0] == outputs[1] && outputs[0] == outputs[2]);
}
GST_END_TEST

static Suite* stress_suite() {
  Suite* suite = suite_create("stress");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, everything_at_once);
  tcase_add_test(cases, state_changes_under_fire);
  tcase_add_test(cases, elements_side_by_side);
  return suite;
}

GST_CHECK_MAIN(stress)
