// SPDX-License-Identifier: LGPL-2.1-or-later
#include <thread>

#include "tests/check/allocator.h"

using check::Harness;

static const std::string caps = check::caps_text("GRAY8", 64, 48);

static std::vector<std::vector<guint8>> run(const std::string& line, int count = 2) {
  Harness harness(line);
  harness.caps(caps);
  return check::stream(harness, caps, count);
}

GST_START_TEST(sizes) {
  for (const auto& [operator_text, factor] : {std::pair<const char*, int>{"identity", 1},
                                              {"average-pool:factor=2", 2},
                                              {"bicubic:factor=4", 4},
                                              {"gaussian-blur:sigma=1.6+bicubic:factor=2", 2}}) {
    Harness harness(std::string("reddiffdegrade operator=") + operator_text);
    harness.caps(caps);
    check::stream(harness, caps, 1);
    const GstVideoInfo info = check::out_info(harness);
    fail_unless_equals_int(GST_VIDEO_INFO_WIDTH(&info), 64 / factor);
    fail_unless_equals_int(GST_VIDEO_INFO_HEIGHT(&info), 48 / factor);
    fail_unless_equals_int(GST_VIDEO_INFO_FORMAT(&info), GST_VIDEO_FORMAT_GRAY8);
  }
}
GST_END_TEST

GST_START_TEST(average_pool_averages) {
  const GstVideoInfo info = check::info_of(caps);
  GstBuffer* in = check::picture(info, 0, 0);
  const auto was = check::bytes(in);
  Harness harness("reddiffdegrade operator=average-pool:factor=2");
  harness.caps(caps);
  const auto is = check::process(harness, in);
  const int stride = GST_ROUND_UP_4(64), small = GST_ROUND_UP_4(32);
  for (int y = 0; y < 24; ++y)
    for (int x = 0; x < 32; ++x) {
      const guint8* p = &was[2 * y * stride + 2 * x];
      const double average = (p[0] + p[1] + p[stride] + p[stride + 1]) / 4.0;
      fail_unless(std::abs(is[y * small + x] - average) <= 0.51, "%d,%d: %d, not %f", x, y, is[y * small + x], average);
    }
}
GST_END_TEST

GST_START_TEST(noise_has_the_deviation_it_is_given) {
  const std::string rgb = check::caps_text("RGB", 64, 48);
  const GstVideoInfo info = check::info_of(rgb);
  GstBuffer* gray = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
  gst_buffer_memset(gray, 0, 128, GST_VIDEO_INFO_SIZE(&info));
  Harness harness("reddiffdegrade noise=20");
  harness.caps(rgb);
  const auto out = check::process(harness, gray);
  double sum = 0, squares = 0;
  for (guint8 value : out) sum += value, squares += double(value) * value;
  const double mean = sum / out.size(), deviation = std::sqrt(squares / out.size() - mean * mean);
  // 9216 values: the standard errors of the mean and of the deviation are .21 and .15.
  fail_unless(std::abs(mean - 128) < 1, "%f", mean);
  fail_unless(std::abs(deviation - 20) < 0.7, "%f", deviation);
}
GST_END_TEST

GST_START_TEST(repeatable_but_never_the_same_field) {
  const auto a = run("reddiffdegrade noise=20 seed=5");
  fail_unless(a == run("reddiffdegrade noise=20 seed=5"));
  fail_if(a == run("reddiffdegrade noise=20 seed=6"));
  const GstVideoInfo info = check::info_of(caps);
  Harness harness("reddiffdegrade noise=20 seed=5");
  harness.caps(caps);
  const auto one = check::process(harness, check::picture(info, 0, 0));
  fail_if(one == check::process(harness, check::picture(info, 1, 0)));
}
GST_END_TEST

GST_START_TEST(flush_starts_again) {
  Harness harness("reddiffdegrade noise=20");
  harness.caps(caps);
  const auto one = check::stream(harness, caps, 2);
  gst_harness_push_event(harness.h, gst_event_new_flush_start());
  gst_harness_push_event(harness.h, gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(harness.h, gst_event_new_segment(&segment));
  fail_unless(check::stream(harness, caps, 2) == one);
}
GST_END_TEST

GST_START_TEST(a_size_the_factor_does_not_divide) {
  Harness harness("reddiffdegrade operator=bicubic:factor=4");
  const std::string odd = check::caps_text("GRAY8", 66, 48);
  harness.caps(odd);
  fail_unless_equals_int(gst_harness_push(harness.h, check::picture(check::info_of(odd), 0, 0)),
                         GST_FLOW_NOT_NEGOTIATED);
  const check::Errors errors = check::take_errors(harness.bus(), harness.element());
  fail_unless(errors.count >= 1);
  fail_unless(errors.domain == GST_STREAM_ERROR && errors.code == GST_STREAM_ERROR_FORMAT);
  fail_unless(errors.text.find("66x48") != std::string::npos, "%s", errors.text.c_str());
}
GST_END_TEST

// The operator is taken at the next start; until then what is negotiated suits the one that runs.
GST_START_TEST(another_operator_waits_for_the_next_start) {
  Harness harness("reddiffdegrade");
  harness.caps(caps);
  const auto one = check::stream(harness, caps, 1);
  for (const char* next : {"average-pool:factor=2", "nonsense"}) {
    g_object_set(harness.element(), "operator", next, nullptr);
    gst_harness_push_upstream_event(harness.h, gst_event_new_reconfigure());
    fail_unless_equals_uint64(check::stream(harness, caps, 1)[0].size(), one[0].size());
  }
  g_object_set(harness.element(), "operator", "average-pool:factor=2", nullptr);
  gst_element_set_state(harness.element(), GST_STATE_NULL);
  gst_harness_play(harness.h);
  harness.caps(caps);
  fail_unless(check::stream(harness, caps, 1)[0].size() < one[0].size());
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

// A sink that is late makes elements drop frames; the noise of the others would depend on which.
GST_START_TEST(late_frames_are_degraded_like_the_others) {
  Harness harness("reddiffdegrade noise=20");
  harness.caps(check::caps_text("I420", 64, 48));
  const auto on_time = check::stream(harness, check::caps_text("I420", 64, 48), 3);
  Harness late("reddiffdegrade noise=20");
  late.caps(check::caps_text("I420", 64, 48));
  gst_harness_push_upstream_event(late.h, gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2, GST_SECOND, 0));
  fail_unless(check::stream(late, check::caps_text("I420", 64, 48), 3) == on_time);
}
GST_END_TEST

// A flush, and the way to READY, while a frame is being degraded: it ends there, without an error, and noise starts again.
GST_START_TEST(a_frame_that_nobody_waits_for_ends) {
  const GstVideoInfo info = check::info_of(caps);
  Harness harness("reddiffdegrade noise=20");
  harness.caps(caps);
  const auto before = check::stream(harness, caps, 1);
  const auto flush = [&] { gst_harness_push_event(harness.h, gst_event_new_flush_start()); };
  fail_unless_equals_int(gst_harness_push(harness.h, check::hooked_frame(info, 1, flush)), GST_FLOW_FLUSHING);
  gst_harness_push_event(harness.h, gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(harness.h, gst_event_new_segment(&segment));
  fail_unless(check::stream(harness, caps, 1) == before);

  std::thread stopping;
  g_autoptr(GstPad) sink = gst_element_get_static_pad(harness.element(), "sink");
  const auto stop = [&] {
    stopping = std::thread([&] { gst_element_set_state(harness.element(), GST_STATE_READY); });
    while (!GST_PAD_IS_FLUSHING(sink)) g_usleep(1000);  // from here on that thread waits for the frame
  };
  fail_unless_equals_int(gst_harness_push(harness.h, check::hooked_frame(info, 1, stop)), GST_FLOW_FLUSHING);
  stopping.join();
  fail_unless(gst_harness_try_pull(harness.h) == nullptr);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
  gst_harness_play(harness.h);
  harness.caps(caps);
  fail_unless(check::stream(harness, caps, 1) == before);
}
GST_END_TEST

static Suite* degrade_suite() {
  Suite* suite = suite_create("degrade");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, sizes);
  tcase_add_test(cases, average_pool_averages);
  tcase_add_test(cases, noise_has_the_deviation_it_is_given);
  tcase_add_test(cases, repeatable_but_never_the_same_field);
  tcase_add_test(cases, flush_starts_again);
  tcase_add_test(cases, late_frames_are_degraded_like_the_others);
  tcase_add_test(cases, a_frame_that_nobody_waits_for_ends);
  tcase_add_test(cases, a_size_the_factor_does_not_divide);
  tcase_add_test(cases, another_operator_waits_for_the_next_start);
  return suite;
}

GST_CHECK_MAIN(degrade)
