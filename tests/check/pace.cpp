// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which frames get how much when they come too late, and what latency is reported: the pure part, with made-up clocks.
#include "gst-plugin/pace.h"

#include <algorithm>
#include <utility>

#include "gst-plugin/latency.h"
#include "tests/check/check_util.h"

using reddiff::Allowance;
using reddiff::Latency;
using reddiff::Pace;

// A sink that shows frame n at n * frame_time + slack, and an element that needs `call` ms for a call of the prior and `other` for the rest.
struct Pipeline {
  double call, other;
  int full;
  double slack_ms = 40;
  GstClockTime duration = check::frame_time;
  double slow_ms = 0;  // what the next frame takes beside that, in its calls
  Pace pace{};
  double now_ms = 0;
  int frame = 0, calls = 0, dropped = 0, plain = 0;

  void run(int frames) {
    const double frame_ms = static_cast<double>(duration) / GST_MSECOND;
    for (int i = 0; i < frames; ++i, ++frame) {
      now_ms = std::max(now_ms, frame * frame_ms);  // the source is live
      const Allowance allowance = pace.allow(frame * duration, duration);
      if (allowance.drop) {
        ++dropped;
        continue;
      }
      calls = allowance.calls < 0 ? full : std::min(full, allowance.calls);
      plain += calls == 0;
      const double calls_ms = calls * call + (calls > 0 ? std::exchange(slow_ms, 0) : 0);
      now_ms += other + calls_ms;
      pace.on_frame(calls, calls_ms, other + calls_ms);
      const double late_ms = now_ms - frame * frame_ms - slack_ms;
      const auto diff = std::max(static_cast<GstClockTimeDiff>(late_ms * GST_MSECOND),
                                 -static_cast<GstClockTimeDiff>(frame * duration));
      pace.on_qos(1.0, diff, frame * duration);
    }
  }
  double late_ms() const { return now_ms - frame * (static_cast<double>(duration) / GST_MSECOND) - slack_ms; }
};

GST_START_TEST(who_is_in_time_gets_everything) {
  Pipeline pipeline{.call = 5, .other = 5, .full = 4};
  pipeline.run(100);
  fail_unless_equals_int(pipeline.calls, 4);
  fail_unless_equals_int(pipeline.pace.quality(), 1000000);
  fail_unless_equals_int(pipeline.dropped, 0);
}
GST_END_TEST

GST_START_TEST(five_times_too_slow_loses_calls_and_no_frame) {
  Pipeline pipeline{.call = 20, .other = 2, .full = 10};
  pipeline.run(100);
  fail_unless_equals_int(pipeline.dropped, 0);
  fail_unless_equals_int(pipeline.calls, 1);  // 22 of 40 ms; two would take 42
  fail_unless(pipeline.plain < 30, "%d plain frames", pipeline.plain);
  fail_unless(pipeline.late_ms() <= 0, "%f ms late", pipeline.late_ms());
  fail_unless_equals_int(pipeline.pace.quality(), 100000);
}
GST_END_TEST

GST_START_TEST(a_call_that_takes_too_long_leaves_plain_frames) {
  Pipeline pipeline{.call = 60, .other = 5, .full = 4};
  pipeline.run(100);
  fail_unless_equals_int(pipeline.dropped, 0);
  fail_unless_equals_int(pipeline.calls, 0);
  fail_unless_equals_int(pipeline.pace.quality(), 0);
  fail_unless(pipeline.late_ms() <= 0);
}
GST_END_TEST

GST_START_TEST(only_plain_frames_that_are_late_are_dropped) {
  Pipeline pipeline{.call = 60, .other = 100, .full = 4};
  pipeline.run(200);
  fail_unless(pipeline.dropped > 80 && pipeline.dropped < 180, "%d dropped", pipeline.dropped);
}
GST_END_TEST

GST_START_TEST(quality_comes_back) {
  Pipeline pipeline{.call = 30, .other = 2, .full = 4};
  pipeline.run(50);
  fail_unless(pipeline.calls < 2);
  pipeline.call = 4;
  pipeline.run(150);
  fail_unless_equals_int(pipeline.calls, 4);
  fail_unless_equals_int(pipeline.pace.quality(), 1000000);
}
GST_END_TEST

// The first frame of a process loads and makes what later ones find made; one of another size does it again.
GST_START_TEST(one_slow_frame_does_not_end_restoring) {
  for (const double slow : {300., 600., 2000.})
    for (const int full : {1, 2}) {
      Pipeline pipeline{.call = 15, .other = 3, .full = full, .duration = GST_SECOND / 15};
      pipeline.slow_ms = slow;
      pipeline.run(1);
      for (int turn = 0; turn < 2; ++turn) {
        // What was missed is caught up with, and a second after that all is as before.
        const int catching_up = static_cast<int>(slow / (66 - 18)) + 1;
        pipeline.run(catching_up + 15);
        const int before = pipeline.plain + pipeline.dropped;
        pipeline.run(60);
        fail_unless_equals_int(pipeline.plain + pipeline.dropped, before);
        fail_unless_equals_int(pipeline.calls, full);
        fail_unless_equals_int(pipeline.pace.quality(), 1000000);
        pipeline.slow_ms = slow;
        pipeline.run(1);
      }
    }
}
GST_END_TEST

// A second in which the machine was busy.
GST_START_TEST(restoring_is_back_a_second_after_calls_are_cheap_again) {
  for (const int rate : {15, 25, 60}) {
    Pipeline pipeline{.call = 3, .other = 2, .full = 2, .duration = GST_SECOND / static_cast<GstClockTime>(rate)};
    pipeline.run(rate);
    pipeline.call = 200;
    pipeline.run(2 * rate);
    fail_unless(pipeline.calls == 0 && pipeline.plain > 0, "at %d", rate);
    pipeline.call = 3;
    pipeline.now_ms = 0;
    pipeline.pace.forget_lateness();
    pipeline.run(rate);
    fail_unless_equals_int(pipeline.calls, 2);
    fail_unless_equals_int(pipeline.pace.quality(), 1000000);
  }
}
GST_END_TEST

// Calls that stay too dear are tried less and less often: each trial is a late frame.
GST_START_TEST(trials_become_rare) {
  Pipeline pipeline{.call = 60, .other = 5, .full = 4};
  pipeline.run(1000);
  const int plain = pipeline.plain, dropped = pipeline.dropped;
  pipeline.run(1000);
  fail_unless(pipeline.plain - plain >= 990, "%d of 1000", pipeline.plain - plain);
  fail_unless_equals_int(pipeline.dropped, dropped);
}
GST_END_TEST

GST_START_TEST(a_second_without_restoring_is_said_once) {
  Pipeline fast{.call = 5, .other = 5, .full = 4}, slow{.call = 60, .other = 5, .full = 4};
  fast.run(200);
  fail_if(fast.pace.take_warning());
  int said_at = 0, count = 0;
  for (int i = 0; i < 400; ++i) {
    slow.run(1);
    if (!slow.pace.take_warning()) continue;
    said_at = i;
    ++count;
  }
  fail_unless_equals_int(count, 1);
  fail_unless(said_at >= 25 && said_at < 50, "at frame %d", said_at);
}
GST_END_TEST

GST_START_TEST(without_events_or_timestamps_nothing_is_late) {
  Pace pace;
  for (int i = 0; i < 50; ++i) {
    pace.on_frame(4, 400, 410);
    fail_unless(pace.allow(i * check::frame_time, check::frame_time) == Allowance{});
  }
  pace.on_qos(2, GST_SECOND, GST_SECOND);
  for (int i = 0; i < 20; ++i) fail_unless(pace.allow(GST_CLOCK_TIME_NONE, check::frame_time) == Allowance{});
  pace.on_qos(2, GST_SECOND, GST_CLOCK_TIME_NONE);
  pace.forget_lateness();
  for (int i = 0; i < 20; ++i) fail_unless(pace.allow(i * check::frame_time, check::frame_time) == Allowance{});
}
GST_END_TEST

GST_START_TEST(unknown_durations_halve_the_calls) {
  Pace pace;
  for (int i = 0; i < 2; ++i) pace.on_frame(8, 80, 90);
  pace.on_qos(2, GST_SECOND, GST_SECOND);
  int calls = 8;
  for (int i = 0; i < 4; ++i) calls = pace.allow(GST_SECOND, GST_CLOCK_TIME_NONE).calls;
  fail_unless_equals_int(calls, 4);
}
GST_END_TEST

GST_START_TEST(latency_is_what_frames_take) {
  Latency latency;
  fail_unless_equals_uint64(latency.value(0), 0);
  fail_unless_equals_uint64(latency.value(5 * GST_MSECOND), 5 * GST_MSECOND);
  fail_if(latency.report(0));
  latency.record(900 * GST_MSECOND);  // the first frame makes things
  fail_unless(latency.report(0));
  for (int i = 0; i < 100; ++i) latency.record((i % 25 == 0 ? 80 : 20) * GST_MSECOND);
  fail_unless_equals_uint64(latency.value(0), 20 * GST_MSECOND);
  fail_unless_equals_uint64(latency.value(30 * GST_MSECOND), 30 * GST_MSECOND);
  fail_unless(latency.report(0));  // less, after enough frames
  fail_if(latency.report(0));
  for (int i = 0; i < 10; ++i) latency.record(21 * GST_MSECOND);
  fail_if(latency.report(0));  // 5 % more
  for (int i = 0; i < 10; ++i) latency.record(50 * GST_MSECOND);
  fail_unless(latency.report(0));
  fail_unless_equals_uint64(latency.value(0), 50 * GST_MSECOND);
}
GST_END_TEST

static Suite* pace_suite() {
  Suite* suite = suite_create("pace");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, who_is_in_time_gets_everything);
  tcase_add_test(cases, five_times_too_slow_loses_calls_and_no_frame);
  tcase_add_test(cases, a_call_that_takes_too_long_leaves_plain_frames);
  tcase_add_test(cases, only_plain_frames_that_are_late_are_dropped);
  tcase_add_test(cases, quality_comes_back);
  tcase_add_test(cases, one_slow_frame_does_not_end_restoring);
  tcase_add_test(cases, restoring_is_back_a_second_after_calls_are_cheap_again);
  tcase_add_test(cases, trials_become_rare);
  tcase_add_test(cases, a_second_without_restoring_is_said_once);
  tcase_add_test(cases, without_events_or_timestamps_nothing_is_late);
  tcase_add_test(cases, unknown_durations_halve_the_calls);
  tcase_add_test(cases, latency_is_what_frames_take);
  return suite;
}

GST_CHECK_MAIN(pace)
